// Who asks the models of a run, what they are asked, and who judges: made once from the run's data.
#pragma once

#include <memory>

#include "evaluation/model_comparison.h"
#include "judges/open_judge.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"

namespace lethe {

/// The part of the split that serves as unseen: settings are chosen on validation, results are told on test.
enum class HeldOut { validation, test };

/// Whether the recipe asks for an evaluation by a judge at all.
bool asks_judge(const Recipe& recipe);

class Evaluator {
 public:
  /// All but the recipe outlive this. Reads the further evaluation files of the recipe.
  /// @param run     notes inputs and what was left out; may be null
  /// @param opened  judges that other evaluators use too; may be null
  Evaluator(const Recipe& recipe, const StoredModel& original, RunData& data, RunRecord* run = nullptr,
            OpenJudges* opened = nullptr);

  /// A fresh comparison on these prompts, without those that overlap with what was trained on and those too long for
  /// the model; this outlives it.
  ModelComparison comparison(HeldOut part) const;

 private:
  const Tokenizer& tokenizer_;
  RunData& data_;
  DegenerateDetector detector_;
  EvaluationSets further_;
  Panel panel_;
  EvaluationOptions options_;
  OverlapOptions overlap_;
  RunRecord* run_;
  bool plan_alone_;  // its rows are trained on and asked: there are no others
};

}  // namespace lethe
