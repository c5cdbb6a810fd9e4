// What an evaluation needs a model to compute, taken from a store if the same model has computed it before.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/json.h"
#include "data/benchmarks.h"
#include "generation/generate.h"
#include "metrics/perplexity.h"
#include "models/causal_lm.h"
#include "prompts/template.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Keeps the outputs of one model, by request. A request holds all that its result depends on besides the model.
class OutputStore {
 public:
  virtual ~OutputStore() = default;
  virtual std::optional<Json> find(const Json& request) = 0;
  /// @param seconds  that the result took
  virtual void keep(const Json& request, const Json& result, double seconds) = 0;
};

/// generate() with greedy decoding. @param store  of this model; null: computes
std::vector<Generated> kept_answers(OutputStore* store, const CausalLM& model,
                                    std::span<const std::vector<int>> prompts, const GenerationOptions& options);
/// perplexities()
std::vector<Perplexity> kept_perplexities(OutputStore* store, const CausalLM& model, std::span<const Example> examples);
/// choice_scores()
std::vector<std::vector<double>> kept_choice_scores(OutputStore* store, const CausalLM& model,
                                                    const Tokenizer& tokenizer,
                                                    std::span<const ChoiceQuestion> questions,
                                                    const std::function<void(std::size_t questions)>& progress);
/// text_perplexity()
TextPerplexity kept_text_perplexity(OutputStore* store, const CausalLM& model, std::span<const std::vector<int>> texts,
                                    const TextWindows& windows);

}  // namespace lethe
