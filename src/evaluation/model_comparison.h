// The original and the unlearned model asked the same things, judged alike.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "evaluation/comparison.h"
#include "evaluation/divergence_meter.h"
#include "evaluation/evaluation.h"

namespace lethe {

/// What both models are asked, and the normal pairs on which the distance between them is measured (may be empty).
struct ComparisonData {
  EvaluationSets sets;
  std::vector<Pair> normal_train, normal_test;
};

class ModelComparison {
 public:
  /// Tries the judges on the data's reference answers first, and warns of those that cannot be trusted.
  /// Tokenizer, examples, panel and detector outlive this.
  ModelComparison(const Tokenizer& tokenizer, ExampleMaker& examples, const Panel& panel,
                  const DegenerateDetector& detector, EvaluationOptions options, ComparisonData data);

  /// Asks the original, and remembers what divergence is measured against.
  void ask_original(CausalLM& model);
  /// Asks the model that came of it. Without an original before, it stands alone in the result.
  void ask(CausalLM& model);
  /// Asks the original what it finds of the answers of the model asked last: broken text is unlikely text. Of its own
  /// it has said so in ask_original().
  void score(const CausalLM& original);
  const Comparison& result() const { return result_; }

 private:
  ModelResult answers(const CausalLM& model, const std::string& title) const;
  std::unique_ptr<DivergenceMeter> meter(CausalLM& original, const std::vector<Pair>& pairs) const;

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
