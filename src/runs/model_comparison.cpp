#include "runs/model_comparison.h"

#include <algorithm>

#include "core/terminal.h"

namespace lethe {

ModelComparison::ModelComparison(const Tokenizer& tokenizer, ExampleMaker& examples, const Panel& panel,
                                 const DegenerateDetector& detector, EvaluationOptions options, ComparisonData data)
    : tokenizer_(tokenizer),
      examples_(examples),
      panel_(panel),
      detector_(detector),
      options_(std::move(options)),
      data_(std::move(data)) {
  result_.seed = options_.seed;
  result_.judges = examine_judges(panel, data_.sets, options_.seed);
  for (const std::string& warning : warnings_of(result_.judges)) warn(warning);
}

ModelResult ModelComparison::answers(const CausalLM& model, const std::string& title) const {
  return evaluate_model(model, tokenizer_, data_.sets, panel_, detector_, options_, title);
}

std::unique_ptr<DivergenceMeter> ModelComparison::meter(CausalLM& original, const std::vector<Pair>& pairs) const {
  if (pairs.empty()) return nullptr;
  const auto count = static_cast<std::ptrdiff_t>(std::min(options_.prompts, pairs.size()));
  return std::make_unique<DivergenceMeter>(original, examples_,
                                           std::vector<Pair>(pairs.begin(), pairs.begin() + count));
}

void ModelComparison::ask_original(CausalLM& model) {
  result_.original = answers(model, "original");
  if (const auto bound = unlikely_bound(result_.original))
    weigh_answers(model, tokenizer_, result_.original, *bound, options_);
  train_meter_ = meter(model, data_.normal_train);
  test_meter_ = meter(model, data_.normal_test);
  has_original_ = true;
}

void ModelComparison::ask(CausalLM& model) {
  ModelResult result = answers(model, has_original_ ? "unlearned" : "model");
  if (train_meter_) result.kl_train = train_meter_->measure(model);
  if (test_meter_) result.kl_test = test_meter_->measure(model);
  if (has_original_) {
    result_.unlearned = std::move(result);
  } else {
    result_.original = std::move(result);
  }
}

void ModelComparison::weigh(const CausalLM& original) {
  if (!result_.unlearned || !result_.original.unlikely_above) return;
  weigh_answers(original, tokenizer_, *result_.unlearned, *result_.original.unlikely_above, options_);
}

}  // namespace lethe
