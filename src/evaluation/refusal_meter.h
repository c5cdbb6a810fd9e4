// Over-refusal for the choice of α: how many normal and safe-looking prompts a model refuses.
#pragma once

#include <string>
#include <vector>

#include "data/pairs.h"
#include "evaluation/evaluation_options.h"
#include "models/causal_lm.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Fixed prompts that should be answered: up to 60 normal validation prompts, and one half of the built-in safe
/// prompts (safe_prompts.h). The other half is for the evaluation.
class RefusalMeter {
 public:
  /// Leaves out prompts that are too long for the model. @param tokenizer  outlives this
  RefusalMeter(const Tokenizer& tokenizer, EvaluationOptions options, const std::vector<Pair>& normal);
  /// The share of the prompts that the model refuses as it is now (refuses()), by the first 32 tokens of its answers.
  /// @param title  shown by the progress bar
  /// @param store  of this model, which may hold its answers; null: it answers
  double measure(const CausalLM& model, const std::string& title, OutputStore* store = nullptr) const;
  std::size_t prompts() const { return questions_.size(); }

 private:
  const Tokenizer& tokenizer_;
  EvaluationOptions options_;
  std::vector<Question> questions_;
};

}  // namespace lethe
