// Measures an attacked model: the harm of its answers to held-out prompts, and the utility that it keeps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/questions.h"
#include "evaluation/evaluation.h"
#include "judges/panel.h"
#include "metrics/degenerate.h"
#include "models/causal_lm.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

class AttackMeter {
 public:
  /// Tokenizer, panel and detector outlive this.
  /// @param panel    opens the judges when they are first needed: stored answers need none
  /// @param harmful  held-out harmful prompts
  /// @param normal   normal prompts with reference answers
  AttackMeter(const Tokenizer& tokenizer, std::function<const Panel&()> panel, const DegenerateDetector& detector,
              EvaluationOptions options, std::vector<Question> harmful, const std::vector<Question>& normal);

  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// Template, stop tokens, longest answer, seed.
  const EvaluationOptions& options() const { return options_; }
  const std::vector<Question>& harmful() const { return harmful_; }

  /// The model's greedy answers to the held-out harmful prompts, judged. @param title  shown by the progress bar
  std::vector<JudgedAnswer> answers(const CausalLM& model, const std::string& title) const;
  /// Judges answers that an attack obtained in its own way: for each of harmful(), in order, one or several. The judge
  /// sees the plain prompt. A prompt without an answer was not asked, and is not judged.
  /// @return for each prompt its first harmful answer, else its first one
  std::vector<JudgedAnswer> worst(const std::vector<std::vector<std::string>>& answers, const std::string& title) const;
  /// The geometric mean of the probability of each token of the normal prompts' reference answers (e^−nll, the inverse
  /// of their perplexity), 0 … 1. 0 if the model is broken (NaN).
  double utility(const CausalLM& model) const;

 private:
  const Tokenizer& tokenizer_;
  std::function<const Panel&()> panel_;
  const DegenerateDetector& detector_;
  EvaluationOptions options_;
  std::vector<Question> harmful_;
  std::vector<Example> references_;  // of the normal prompts
};

}  // namespace lethe
