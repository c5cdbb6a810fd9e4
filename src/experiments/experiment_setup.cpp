#include "experiments/experiment_setup.h"

#include <chrono>

#include "core/error.h"
#include "models/loading.h"
#include "runs/stage1.h"
#include "runs/stage2.h"

namespace lethe {
namespace fs = std::filesystem;

ExperimentSetup::ExperimentSetup(const Recipe& recipe, const StoredModel& original, const Compute& compute,
                                 OpenJudges* opened)
    : original_(original),
      compute_(compute),
      nf4_(recipe.quantize == Quantize::nf4),
      seed_(recipe.seed),
      data_(load_run_data(recipe, original.examples(recipe), nullptr)),
      evaluator_(recipe, original, data_, nullptr, opened) {}

CausalLM ExperimentSetup::load() const {
  return original_.load({.device = compute_.device, .dtype = compute_.dtype, .nf4 = nf4_});
}

DivergenceSample& ExperimentSetup::sample(CausalLM& original) {
  if (data_.normal.validation.empty()) {
    throw bad_input("cannot choose alpha by a budget")
        .wanted("normal answers to validate on")
        .found("none")
        .hint("a larger data.split.validation");
  }
  if (!sample_) sample_ = std::make_unique<DivergenceSample>(original, data_.examples, data_.normal.validation, seed_);
  return *sample_;
}

ModelComparison& ExperimentSetup::comparison_on(HeldOut part, CausalLM& original) {
  const auto [place, fresh] = comparisons_.emplace(part, nullptr);
  if (fresh) {
    place->second = std::make_unique<ModelComparison>(evaluator_.comparison(part));
    place->second->evaluate_original(original);
  }
  return *place->second;
}

Cell ExperimentSetup::measure(const Recipe& recipe, const std::string& name, HeldOut part,
                              const std::vector<double>& budgets, const std::vector<double>& alphas,
                              const fs::path& metrics) {
  const auto start = std::chrono::steady_clock::now();
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
  DivergenceSample* divergence = budgets.empty() ? nullptr : &sample(model);
  Cell cell{name, recipe.seed, recipe.training.lr};
  cell.original = figures_of(comparison.result().original);
  cell.judge_withheld = comparison.result().original.judge_withheld;
  try {
    Tuning tuning(model, recipe);
    cell.steps = static_cast<std::int64_t>(train_method(tuning, data_, metrics).steps.size());
    Stage2Vector stage2 = prepare_stage2(tuning, original_.checkpoint, data_, {.repair = metrics});
    const auto evaluate_at = [&](double alpha, double budget) {
      stage2.apply(alpha);
      comparison.evaluate(model);
      cell.points.push_back({alpha, budget, figures_of(*comparison.result().unlearned)});
    };
    if (divergence != nullptr) {
      AlphaMeter meter(*divergence, model, [&](double alpha) { stage2.apply(alpha); });
      for (const double budget : budgets) {
        const auto measure_at = [&](double alpha) { return meter.measure(alpha, budget); };
        evaluate_at(choose_alpha(measure_at, budget).alpha, budget);
      }
    }
    for (const double alpha : alphas) evaluate_at(alpha, 0);
  } catch (const Error& error) {
    if (error.code() != ExitCode::failed) throw;  // interrupted, bad input
    cell.failed = error.what();
    cell.points.clear();
  }
  cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return cell;
}

std::vector<NamedLora> ExperimentSetup::take_run(const fs::path& run, const Recipe& recipe, CausalLM& model) const {
  if (recipe.tuning == TuningKind::lora) return attach_lora(model, Adapter(run / "adapter"));
  model = load_model(Checkpoint(run / "model"), {.device = compute_.device, .dtype = compute_.dtype});
  return {};
}

Cell ExperimentSetup::measure_run(const fs::path& run, const Recipe& recipe, double alpha_of_run, HeldOut part,
                                  const std::vector<double>& alphas) {
  const auto start = std::chrono::steady_clock::now();
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
  Cell cell{recipe.method, recipe.seed, recipe.training.lr};
  cell.original = figures_of(comparison.result().original);
  cell.judge_withheld = comparison.result().original.judge_withheld;
  const std::vector<NamedLora> pairs = take_run(run, recipe, model);
  const std::unique_ptr<TaskVector> vector = task_vector_of(model, original_.checkpoint, pairs, recipe);
  for (const double alpha : alphas) {
    vector->apply(alpha / alpha_of_run);
    comparison.evaluate(model);
    cell.points.push_back({alpha, 0, figures_of(*comparison.result().unlearned)});
  }
  cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return cell;
}

void ExperimentSetup::write(const Recipe& recipe, double alpha, const fs::path& folder, const fs::path& metrics) {
  CausalLM model = load();
  Tuning tuning(model, recipe);
  train_method(tuning, data_, metrics);
  prepare_stage2(tuning, original_.checkpoint, data_, {.repair = metrics}).write(alpha, folder);
}

void ExperimentSetup::write_run(const fs::path& run, const Recipe& recipe, double scale, const fs::path& folder) {
  CausalLM model = load();
  const std::vector<NamedLora> pairs = take_run(run, recipe, model);
  task_vector_of(model, original_.checkpoint, pairs, recipe)->write(scale, folder);
}

}  // namespace lethe
