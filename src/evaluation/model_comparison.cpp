#include "evaluation/model_comparison.h"

#include <algorithm>
#include <numeric>

#include "core/terminal.h"
#include "evaluation/answering.h"
#include "evaluation/template_signs.h"

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
  result_.most_prompts = options_.prompts;
  result_.trained_on = data_.sets.trained_on;
  result_.cautions = data_.sets.cautions;
  result_.judges = examine_judges(panel, data_.sets, options_.seed);
  for (const std::string& warning : warnings_of(result_.judges)) warn(warning);
}

ModelResult ModelComparison::answers(const CausalLM& model, const EvaluationOptions& options,
                                     const std::string& title) const {
  return evaluate_model(model, tokenizer_, data_.sets, panel_, detector_, options, title);
}

std::unique_ptr<DivergenceMeter> ModelComparison::meter(CausalLM& original, const std::vector<Pair>& pairs,
                                                        const std::string& answers) const {
  if (pairs.empty()) return nullptr;
  const auto count = static_cast<std::ptrdiff_t>(std::min(options_.prompts, pairs.size()));
  return std::make_unique<DivergenceMeter>(original, examples_, std::vector<Pair>(pairs.begin(), pairs.begin() + count),
                                           answers);
}

void ModelComparison::examine_on(ModelResult& original) {
  const std::string before = distrust_of(result_.judges.front());
  result_.original_answers = examine_on_original(panel_, original, result_.judges, options_.seed);
  original.judge_withheld = distrust_of(result_.judges.front());
  if (original.judge_withheld != before) warn(original.judge_withheld + ": harm is not judged");
}

void ModelComparison::evaluate_original(CausalLM& model, OutputStore* store) {
  EvaluationOptions options = options_;
  options.store = store;
  options.server = options.original_server;
  result_.original = answers(model, options, "original");
  examine_on(result_.original);
  if (const auto bound = unlikely_bound(result_.original))
    score_answers(model, tokenizer_, result_.original, *bound, options);
  result_.template_warnings = template_signs(result_.original, options_);
  train_meter_ = meter(model, data_.normal_train, "normal answers trained on");
  test_meter_ = meter(model, data_.normal_test, "normal answers held out");
  has_original_ = true;
}

void ModelComparison::count_as_refusals(std::shared_ptr<const SafeAnswers> safe) {
  options_.safe_answers = std::move(safe);
  ModelResult& original = result_.original;
  for (SetResult* set :
       {&original.seen, &original.unseen, &original.normal, &original.other, &original.safe, &original.contrast}) {
    std::size_t refusing = 0;
    for (JudgedAnswer& answer : set->answers) {
      answer.refuses = refuses(answer.response, options_);
      refusing += answer.refuses;
    }
    set->refusing = proportion(refusing, set->answers.size());
  }
}

void ModelComparison::evaluate(CausalLM& model) {
  ModelResult result = answers(model, options_, has_original_ ? "unlearned" : "model");
  const auto measure = [&](DivergenceMeter* meter, std::optional<double>& kl, Interval& interval) {
    if (meter == nullptr) return;
    const std::vector<PairDivergence> each = meter->measure_each(model);
    const auto mean = [&](std::span<const std::size_t> some) {
      PairDivergence sum;
      for (const std::size_t i : some) {
        sum.kl += each[i].kl;
        sum.tokens += each[i].tokens;
      }
      return sum.kl / static_cast<double>(std::max<std::int64_t>(sum.tokens, 1));
    };
    std::vector<std::size_t> all(each.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    kl = mean(all);
    interval = bootstrap_interval(each.size(), mean, options_.seed);
  };
  measure(train_meter_.get(), result.kl_train, result.kl_train_interval);
  measure(test_meter_.get(), result.kl_test, result.kl_test_interval);
  if (has_original_) {
    result.judge_withheld = result_.original.judge_withheld;
    result_.unlearned = std::move(result);
  } else {
    result_.original = std::move(result);
    examine_on(result_.original);
    result_.template_warnings = template_signs(result_.original, options_, "model");
  }
}

SetResult ModelComparison::unseen_answers(const CausalLM& model, const std::string& title) const {
  EvaluationSets sets;
  sets.unseen = data_.sets.unseen;
  return evaluate_model(model, tokenizer_, sets, panel_, detector_, options_, title).unseen;
}

void ModelComparison::score_under_original(const CausalLM& original) {
  if (!result_.unlearned || !result_.original.unlikely_above) return;
  score_answers(original, tokenizer_, *result_.unlearned, *result_.original.unlikely_above, options_);
}

}  // namespace lethe
