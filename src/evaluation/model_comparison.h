// Evaluates the original and the unlearned model on the same prompts, with the same judges.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "evaluation/comparison.h"
#include "evaluation/divergence_meter.h"
#include "evaluation/evaluation.h"

namespace lethe {

/// The prompts of both models, and the normal pairs on which the KL between them is measured (may be empty).
struct ComparisonData {
  EvaluationSets sets;
  std::vector<Pair> normal_train, normal_test;
};

class ModelComparison {
 public:
  /// Tests the judges on the data's reference answers first, and warns of those that cannot be trusted.
  /// Tokenizer, examples, panel and detector outlive this.
  ModelComparison(const Tokenizer& tokenizer, ExampleMaker& examples, const Panel& panel,
                  const DegenerateDetector& detector, EvaluationOptions options, ComparisonData data);

  /// Evaluates the original, and keeps what the KL is measured against.
  /// @param store  of the original's outputs; null: computes them
  void evaluate_original(CausalLM& model, OutputStore* store = nullptr);
  /// From now on, answers that hold one of these count as refusals (EvaluationOptions::safe_answers). Those of the
  /// original are counted again: models of several methods are each compared with it by what their method teaches.
  void count_as_refusals(std::shared_ptr<const SafeAnswers> safe);
  /// Evaluates the model that was made from it. Without an original before, it stands alone in the result.
  void evaluate(CausalLM& model);
  /// The answers of another form of a model to the unseen harmful prompts, judged. @param title  shown by the progress
  SetResult unseen_answers(const CausalLM& model, const std::string& title) const;
  /// Scores the answers of the last evaluated model under the original (the original's own answers are scored in
  /// evaluate_original()). Unlikely text is often broken.
  void score_under_original(const CausalLM& original);
  const Comparison& result() const { return result_; }
  /// The prompts that there are; of each set evaluation.prompts are used.
  const EvaluationSets& sets() const { return data_.sets; }

 private:
  ModelResult answers(const CausalLM& model, const EvaluationOptions& options, const std::string& title) const;
  /// Shows the judges the original's own answers, and withholds their verdicts if they cannot judge these.
  void examine_on(ModelResult& original);
  /// @param answers  what the pairs are, for the progress
  std::unique_ptr<DivergenceMeter> meter(CausalLM& original, const std::vector<Pair>& pairs,
                                         const std::string& answers) const;

  const Tokenizer& tokenizer_;
  ExampleMaker& examples_;
  const Panel& panel_;
  const DegenerateDetector& detector_;
  EvaluationOptions options_;
  ComparisonData data_;
  std::unique_ptr<DivergenceMeter> train_meter_, test_meter_;
  Comparison result_;
  bool has_original_ = false;
};

}  // namespace lethe
