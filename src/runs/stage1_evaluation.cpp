#include "runs/stage1_evaluation.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "evaluation/choose_alpha.h"
#include "evaluation/divergence_sample.h"
#include "metrics/perplexity.h"
#include "recipe/method_table.h"
#include "runs/task_vector.h"

namespace lethe {
namespace {

std::size_t prompts_of(const Recipe& recipe) {
  return static_cast<std::size_t>(recipe.evaluation.every_prompts);
}

std::vector<Pair> some_of(const std::vector<Pair>& pairs, const Recipe& recipe) {
  std::vector<Pair> some = in_random_order(pairs, recipe.seed);
  some.resize(std::min(some.size(), prompts_of(recipe)));
  return some;
}

std::vector<Example> examples_of(ExampleMaker& maker, const std::vector<Pair>& pairs) {
  std::vector<Example> examples;
  for (const Pair& pair : pairs) examples.push_back(maker.example(pair));
  return examples;
}

const std::vector<Pair>& trained_kind(const Recipe& recipe, const RunData& data) {
  return method_named(recipe.method).harmful_rows ? data.harmful.validation : data.normal.validation;
}

/// The task vector of a model in training. The end of its life gives the model the trained weights back, to the bit.
class BorrowedVector {
 public:
  BorrowedVector(Tuning& tuning, const Checkpoint& base) {
    const Recipe& recipe = tuning.recipe();
    const bool shaped = !recipe.negation.factors.empty() || recipe.negation.rank > 0;
    if (shaped && tuning.lora()) {
      for (const NamedLora& adapter : tuning.pairs()) keep(adapter.pair->b);
    } else if (shaped) {
      for (const Parameter& parameter : tuning.model().parameters()) keep(*parameter.tensor);
    }
    vector_ = task_vector_of(tuning.model(), base, tuning.pairs(), recipe);
    try {
      vector_->shape(recipe.negation);
    } catch (...) {  // an interrupt, between two adapters
      give_back();
      throw;
    }
  }
  ~BorrowedVector() { give_back(); }
  BorrowedVector(const BorrowedVector&) = delete;
  BorrowedVector& operator=(const BorrowedVector&) = delete;

  void apply(double scale) { vector_->apply(scale); }

 private:
  void give_back() {
    vector_->restore();
    for (const auto& [tensor, before] : kept_) tensor.copy_(before);
  }
  void keep(const at::Tensor& tensor) { kept_.emplace_back(tensor.detach(), tensor.detach().clone()); }

  std::unique_ptr<TaskVector> vector_;
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;  // where shape() changes what restore() needs
};

void need_validation(const std::vector<Pair>& pairs, const std::string& kind) {
  if (!pairs.empty()) return;
  throw bad_input("cannot evaluate during training (evaluation.every)")
      .wanted("at least one " + kind + " validation pair")
      .found("none")
      .hint("more data, or a larger data.split.validation");
}

}  // namespace

void check_stage1_evaluation(const Recipe& recipe, const RunData& data) {
  if (recipe.evaluation.every == 0) return;
  if (method_named(recipe.method).stage2 == Stage2::contrast)
    throw bad_usage("cannot evaluate during training")
        .with("key", "evaluation.every")
        .wanted("0 with method: contrast, whose two trainings make no model before their end")
        .found(std::to_string(recipe.evaluation.every));
  if (recipe.training.patience > 0 && !asks_judge(recipe))
    throw bad_usage("cannot stop training early")
        .with("key", "training.patience")
        .wanted("a judge (evaluation.judge, evaluation.prompts), for the best step has the least harm")
        .found("none");
  need_validation(data.harmful.validation, "harmful");
  need_validation(data.normal.validation, "normal");
}

std::int64_t evaluations_due(std::int64_t every, std::int64_t done, std::int64_t steps) {
  if (every == 0 || done >= steps) return 0;
  return steps / every - done / every + (steps % every != 0 ? 1 : 0);
}

Stage1Evaluation::Stage1Evaluation(Tuning& tuning, const Checkpoint& base, RunData& data, const Evaluator* judge)
    : tuning_(tuning),
      base_(base),
      judge_(judge),
      rows_(examples_of(data.examples, some_of(trained_kind(tuning.recipe(), data), tuning.recipe()))),
      meter_(tuning.model(), data.examples, some_of(data.normal.validation, tuning.recipe()),
             "normal validation answers") {
  if (judge_ != nullptr) prompts_ = judge_->validation_prompts(prompts_of(tuning.recipe()));
}

AlphaChoice Stage1Evaluation::choose(const std::function<void(double)>& apply) {
  const NegationSettings& settings = tuning_.recipe().negation;
  const auto measure = [&](double alpha) {
    apply(alpha);
    return mean_divergence(alpha, meter_.measure_each(tuning_.model()));
  };
  if (settings.alpha) return {*settings.alpha, {measure(*settings.alpha)}};
  return choose_alpha(measure, settings.kl_budget);
}

std::map<std::string, double> Stage1Evaluation::measure() {
  CausalLM& model = tuning_.model();
  std::map<std::string, double> values = {{"validation_loss", perplexity(model, rows_).mean()}};
  BorrowedVector vector(tuning_, base_);
  const double sign = direction(method_named(tuning_.recipe().method));
  const auto apply = [&](double alpha) { vector.apply(sign * alpha); };
  const AlphaChoice choice = choose(apply);
  values["validation_alpha"] = choice.alpha;
  values["validation_kl"] = 0;  // of the original, where no α stays within the budget
  for (const AlphaPoint& point : choice.curve) {
    if (point.alpha == choice.alpha) values["validation_kl"] = point.kl;
  }
  if (prompts_.empty()) return values;
  apply(choice.alpha);
  const SetResult answers = judge_->judged_answers(model, prompts_, "validation");
  if (answers.harmful.cases == 0) return values;  // the judge judged none of them
  values["validation_harm"] = answers.harmful.rate;
  values["validation_broken"] = answers.degenerate.rate;
  values["validation_failed"] = answers.harmful.rate + answers.degenerate.rate;
  return values;
}

PeriodicEvaluation Stage1Evaluation::periodic() {
  const Recipe& recipe = tuning_.recipe();
  constexpr double kPrecision = 0.05;
  return {.every = recipe.evaluation.every,
          .measure = [this] { return measure(); },
          .best = {.by = {{"validation_failed", 0}, {"validation_kl", kPrecision * recipe.negation.kl_budget}},
                   .patience = recipe.training.patience}};
}

}  // namespace lethe
