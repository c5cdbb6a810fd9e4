// From pairs of text to packed rows and response losses: what every objective is made of.
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
#include "prompts/template.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Tokenises (prompt, response) pairs under one template; every pair once.
class ExampleMaker {
 public:
  ExampleMaker(const Tokenizer& tokenizer, Template layout, ExampleOptions options)
      : tokenizer_(&tokenizer), template_(std::move(layout)), options_(options) {}
  /// An empty prompt stands for plain text, to which no template applies.
  /// @throws Error (bad input) naming the pair's place if no response token is left within max_length
  const Example& example(const Pair& pair);
  /// Not kept: for combinations that hardly come twice (a prompt with drawn responses).
  Example make(const Pair& pair, const std::string& response) const;
  struct Truncated {
    std::size_t dropped = 0;  ///< no response token was left
    std::size_t cut = 0;      ///< fill max_length: the end of their response is (but for an accident) cut off
  };
  /// Drops the pairs of which no response token is left. On all threads, and keeps nothing: there may be millions, of
  /// which training sees some.
  Truncated drop_truncated(std::vector<Pair>& pairs) const;
  const ExampleOptions& options() const { return options_; }

 private:
  const Example& made_example(const Pair& pair);
  const Tokenizer* tokenizer_;
  Template template_;
  ExampleOptions options_;
  std::map<std::tuple<std::string, std::string, std::vector<ChatMessage>>, Example> made_;
};

/// Sharing prompts as far as the model's rotary embedding allows.
PackingOptions packing_for(const CausalLM& model);

/// Hidden states that predict the response tokens. @return [N, E]
at::Tensor response_states(const at::Tensor& hidden, const PackedExamples& packed);

enum class Reduction { mean, sum };

/// Adds to `weights` ([N] float, of all response tokens of a pack) what each token of these examples counts: with
/// `mean`, the mean over examples of the mean over their tokens; with `sum`, the mean over `pairs` of the sum over
/// everything else (the paper's letter). Times `scale`.
void add_response_weights(std::vector<float>& weights, std::span<const ResponseSpan> examples, std::size_t pairs,
                          Reduction reduction, double scale);

/// Mean over examples of the mean over their tokens of `each` ([N] float), nats, a scalar; 0 for no example.
at::Tensor mean_over_examples(const at::Tensor& each, std::span<const ResponseSpan> examples);

}  // namespace lethe
