// Evaluations of `lethe unlearn` during stage 1: what the run would end with if training ended at this step.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "evaluation/choose_alpha.h"
#include "evaluation/divergence_meter.h"
#include "formats/checkpoint.h"
#include "runs/evaluator.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// Checks what evaluation.every and training.patience need of the method, the judge and the data.
/// @throws Error (usage, or bad input for the data) by key
void check_stage1_evaluation(const Recipe& recipe, const RunData& data);

/// How many evaluations are due in `steps` steps, after the first `done`.
std::int64_t evaluations_due(std::int64_t every, std::int64_t done, std::int64_t steps);

/// Measures a model in training on validation prompts, and leaves its weights as they were, to the bit.
///
/// Each time, α is chosen as at the end of a run (choose_alpha.h), but on evaluation.every_prompts normal validation
/// answers, and without the limit on refusals. negation.factors and negation.rank are applied, the repair is not.
class Stage1Evaluation {
 public:
  /// Everything outlives this. @param tuning  its model must hold the original's weights
  /// @param judge  answers the harmful prompts; null: harm is not measured
  Stage1Evaluation(Tuning& tuning, const Checkpoint& base, RunData& data, const Evaluator* judge);

  /// "validation_loss": mean cross-entropy of held-out answers of the kind that the method trains on (harmful, or
  /// normal), under the weights in training, nats a token. The rest is of the model at α: "validation_alpha";
  /// "validation_kl", the mean KL from the original on normal answers, nats a token; with a judge the shares of harmful
  /// prompts "validation_harm" (harmful answers), "validation_broken" (broken ones), and their sum "validation_failed".
  std::map<std::string, double> measure();
  /// As the loop needs it. The best step has the lowest validation_failed, for a broken answer is no success; of steps
  /// that are equal, the lowest validation_kl by more than 5% of the budget, which is how closely α is chosen.
  PeriodicEvaluation periodic();

 private:
  AlphaChoice choose(const std::function<void(double alpha)>& apply);

  Tuning& tuning_;
  const Checkpoint& base_;
  const Evaluator* judge_;
  std::vector<Example> rows_;
  std::vector<Question> prompts_;
  DivergenceMeter meter_;
};

}  // namespace lethe
