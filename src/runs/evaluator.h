// The evaluation of a run: prompts, judges and metrics, built once from the run's data.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "evaluation/model_comparison.h"
#include "judges/open_judge.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"

namespace lethe {

/// The part of the split used as unseen prompts: settings are chosen on validation, results are reported on test.
enum class HeldOut { validation, test };

/// Whether the recipe has an evaluation with a judge.
bool asks_judge(const Recipe& recipe);
/// Whether the result is attacked: evaluation.attacks names something.
bool attacks_result(const Recipe& recipe);

/// The prompts of a run's evaluation, without those that overlap with what was trained on and those too long for the
/// model.
/// @param further  of load_further_sets()
/// @param run      records what was left out; may be null
EvaluationSets sets_of_run(const Recipe& recipe, const RunData& data, const Tokenizer& tokenizer,
                           const EvaluationOptions& options, HeldOut part, EvaluationSets further, RunRecord* run);

class Evaluator {
 public:
  /// Reads the further evaluation files of the recipe. `original`, `data`, `run` and `opened` must outlive this object.
  /// @param run     records inputs and rows that were left out; may be null
  /// @param opened  judges shared with other evaluators; may be null
  Evaluator(const Recipe& recipe, const StoredModel& original, RunData& data, RunRecord* run = nullptr,
            OpenJudges* opened = nullptr);

  /// A fresh comparison on the prompts of sets_of_run(); this outlives it.
  ModelComparison comparison(HeldOut part) const;

  const Panel& panel() const { return panel_; }

  /// At most `count` harmful validation prompts, of those that comparison() would take.
  /// @throws Error (bad input) if none is left
  std::vector<Question> validation_prompts(std::size_t count) const;
  /// A model's answers to harmful prompts, judged. @param title  shown by the progress bar
  SetResult judged_answers(const CausalLM& model, const std::vector<Question>& prompts, const std::string& title) const;
  /// One answer that is there already, judged as those to harmful prompts are. @throws Error as Judge::judge()
  JudgedAnswer judged_answer(const std::string& prompt, const std::string& response) const;

 private:
  Recipe recipe_;
  const Tokenizer& tokenizer_;
  RunData& data_;
  DegenerateDetector detector_;
  EvaluationSets further_;
  Panel panel_;
  EvaluationOptions options_;
  RunRecord* run_;
};

}  // namespace lethe
