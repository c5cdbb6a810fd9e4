// Turns pairs of text into packed rows and response losses; used by every objective.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "data/pairs.h"
#include "models/causal_lm.h"
#include "nn/token_losses.h"
#include "objectives/packing.h"
#include "objectives/reduction.h"
#include "prompts/template.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Tokenises (prompt, response) pairs under one template, each pair once.
class ExampleMaker {
 public:
  ExampleMaker(const Tokenizer& tokenizer, Template layout, ExampleOptions options)
      : tokenizer_(&tokenizer), template_(std::move(layout)), options_(options) {}
  /// An empty prompt means plain text, without a template.
  /// @throws Error (bad input) naming the pair's place if no response token is left within max_length
  const Example& example(const Pair& pair);
  /// The same without caching, for combinations that rarely repeat (a prompt with drawn responses).
  Example make(const Pair& pair, const std::string& response) const;
  struct Truncated {
    std::size_t dropped = 0;  ///< no response token was left
    std::size_t cut = 0;      ///< fill max_length: the end of their response is almost certainly cut off
  };
  /// Drops the pairs without a response token left. Runs on all threads and caches nothing: there may be millions of
  /// pairs, of which training uses some.
  Truncated drop_truncated(std::vector<Pair>& pairs) const;
  const ExampleOptions& options() const { return options_; }

 private:
  const Example& made_example(const Pair& pair);
  const Tokenizer* tokenizer_;
  Template template_;
  ExampleOptions options_;
  std::map<std::tuple<std::string, std::string, std::vector<ChatMessage>>, Example> made_;
};

/// Shares prompts as far as the model's rotary embedding allows.
PackingOptions packing_for(const CausalLM& model);

/// Hidden states that predict the response tokens. @return [N, E]
at::Tensor response_states(const at::Tensor& hidden, const PackedExamples& packed);

/// Adds the weight of each token of these examples, times `scale`, to `weights` ([N] float, all response tokens of a
/// pack). With `mean`: the mean over examples of the mean over their tokens. With `sum`: the mean over `pairs` of the
/// sum over everything else (the paper's formula, taken literally).
void add_response_weights(std::vector<float>& weights, std::span<const ResponseSpan> examples, std::size_t pairs,
                          Reduction reduction, double scale);

/// Mean over examples of the mean over their tokens of `each` ([N] float), nats, a scalar; 0 for no example.
at::Tensor mean_over_examples(const at::Tensor& each, std::span<const ResponseSpan> examples);

}  // namespace lethe
