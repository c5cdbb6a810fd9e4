#include "experiments/experiment_setup.h"

#include <chrono>

#include "core/error.h"
#include "core/seconds_since.h"
#include "core/terminal.h"
#include "evaluation/evaluation_options.h"
#include "models/loading.h"
#include "runs/alpha_choice.h"
#include "runs/original_cache.h"
#include "runs/stage1.h"
#include "tensors/memory_peak.h"

namespace lethe {
namespace fs = std::filesystem;

void check_trains_to_the_end(const Recipe& recipe) {
  if (recipe.training.patience == 0) return;
  throw bad_usage("cannot train the models of this experiment")
      .with("key", "training.patience")
      .wanted("0: sweep, tune and reproduce train every model to its last step")
      .found(std::to_string(recipe.training.patience))
      .hint("set training.steps to the step at which the run should end");
}

void check_held_out(const RunData& data, HeldOut part, const std::string& doing, const std::string& other) {
  const bool on_test = part == HeldOut::test;
  for (const auto& [kind, split] : {std::pair("harmful", &data.harmful), {"normal", &data.normal}}) {
    if (!(on_test ? split->test : split->validation).empty()) continue;
    const std::string name = on_test ? "test" : "validation";
    throw bad_input(doing)
        .wanted("harmful and normal pairs for " + name)
        .found("no " + std::string(kind) + " pair")
        .hint("a larger data.split." + name + other);
  }
}

void check_answers_for_budget(const RunData& data) {
  if (!data.normal.validation.empty()) return;
  throw bad_input("cannot choose alpha by a budget")
      .wanted("normal answers to validate on")
      .found("none")
      .hint("a larger data.split.validation; a sweep also takes every alpha (--alpha)");
}

ExperimentSetup::ExperimentSetup(const Recipe& recipe, const StoredModel& original, const Compute& compute,
                                 OpenJudges* opened)
    : original_(original),
      compute_(compute),
      recipe_(recipe),
      opened_(opened),
      data_(load_run_data(recipe, original.examples(recipe), nullptr)) {}

CausalLM ExperimentSetup::load() const {
  return original_.load(load_options());
}

LoadOptions ExperimentSetup::load_options() const {
  return {.device = compute_.device, .dtype = compute_.dtype, .nf4 = recipe_.quantize == Quantize::nf4};
}

DivergenceSample& ExperimentSetup::sample(CausalLM& original) {
  check_answers_for_budget(data_);
  if (!sample_)
    sample_ = std::make_unique<DivergenceSample>(original, data_.examples, data_.normal.validation, recipe_.seed);
  return *sample_;
}

ModelComparison& ExperimentSetup::comparison_on(HeldOut part, CausalLM& original) {
  const auto [place, fresh] = comparisons_.emplace(part, nullptr);
  if (fresh) {
    if (!evaluator_) evaluator_.emplace(recipe_, original_, data_, nullptr, opened_);
    place->second = std::make_unique<ModelComparison>(evaluator_->comparison(part));
    const auto cache = original_cache(recipe_.evaluation, original_.checkpoint.folder(), load_options());
    place->second->evaluate_original(original, cache.get());
    if (cache && !cache->text().empty()) say(cache->text());
  }
  return *place->second;
}

std::string ExperimentSetup::judge_withheld(HeldOut part) {
  if (const auto known = comparisons_.find(part); known != comparisons_.end())
    return known->second->result().original.judge_withheld;
  CausalLM model = load();
  return comparison_on(part, model).result().original.judge_withheld;
}

Cell ExperimentSetup::measure(const Recipe& recipe, const std::string& name, HeldOut part,
                              const std::vector<double>& budgets, const std::vector<double>& alphas,
                              const fs::path& metrics, const PointVisitor& visit) {
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
  comparison.count_as_refusals(counted_safe_answers(recipe));
  const auto start = std::chrono::steady_clock::now();  // all cells share the original's evaluation
  DivergenceSample* divergence = budgets.empty() ? nullptr : &sample(model);
  read_safe_answers(recipe, data_, nullptr);
  RefusalCheck refusals;
  if (!budgets.empty())
    refusals = check_refusals(recipe, original_, model, data_,
                              original_cache(recipe_.evaluation, original_.checkpoint.folder(), load_options()).get());
  Cell cell{name, recipe.seed, recipe.training.lr};
  cell.original = figures_of(comparison.result().original);
  cell.judge_withheld = comparison.result().original.judge_withheld;
  const MemoryPeak memory;
  std::optional<Tuning> tuning;
  std::optional<Stage2Vector> stage2;
  try {
    tuning.emplace(model, recipe);
    const auto begin = std::chrono::steady_clock::now();
    const Stage1 stage1 = train_method(*tuning, original_.checkpoint, data_, {.metrics = metrics, .safe = metrics});
    cell.train_seconds = seconds_since(begin);
    cell.steps = static_cast<std::int64_t>(stage1.steps.size() + stage1.safe_steps.size());
    cell.steps += steps_of_further_rounds(recipe, static_cast<std::int64_t>(stage1.steps.size()));
    stage2 = prepare_stage2(*tuning, original_.checkpoint, data_, {.repair = metrics});
    const auto evaluate_at = [&](double alpha, double budget) {
      stage2->apply(alpha);
      comparison.evaluate(model);
      cell.points.push_back({alpha, budget, figures_of(*comparison.result().unlearned)});
    };
    if (divergence != nullptr) {
      const auto apply = [&](double alpha) { stage2->apply(alpha); };
      AlphaMeter meter(*divergence, model, apply, survives_nf4(recipe));
      for (const double budget : budgets)
        evaluate_at(choose_within(budget, false, refusals, meter, model, apply).alpha, budget);
    }
    for (const double alpha : alphas) evaluate_at(alpha, 0);
  } catch (const Error& error) {
    if (error.code() != ExitCode::failed) throw;  // interrupted, bad input
    cell.failed = error.what();
    cell.points.clear();
  }
  cell.seconds = seconds_since(start);
  cell.peak_bytes = memory.bytes();
  // Outside: what fails there is not the method.
  if (visit && !budgets.empty() && !cell.points.empty()) visit(*stage2, cell.points.front());
  return cell;
}

std::vector<NamedLora> ExperimentSetup::take_run(const StoredRun& run, const Recipe& recipe, CausalLM& model) const {
  if (recipe.tuning == TuningKind::lora) {
    std::vector<NamedLora> pairs = attach_lora(model, Adapter(run.folder / "adapter"));
    if (run.harm_factor != 1) scale_joined_half(pairs, run.harm_factor);
    return pairs;
  }
  model = load_model(Checkpoint(run.folder / "model"), {.device = compute_.device, .dtype = compute_.dtype});
  return {};
}

Cell ExperimentSetup::measure_run(const StoredRun& run, const Recipe& recipe, double alpha_of_run, HeldOut part,
                                  const std::vector<double>& alphas) {
  const auto start = std::chrono::steady_clock::now();
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
  comparison.count_as_refusals(counted_safe_answers(recipe));
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
  cell.seconds = seconds_since(start);
  return cell;
}

void ExperimentSetup::write(const Recipe& recipe, double alpha, const fs::path& folder, const fs::path& metrics) {
  check_trains_to_the_end(recipe);
  CausalLM model = load();
  read_safe_answers(recipe, data_, nullptr);
  Tuning tuning(model, recipe);
  train_method(tuning, original_.checkpoint, data_, {.metrics = metrics, .safe = metrics});
  prepare_stage2(tuning, original_.checkpoint, data_, {.repair = metrics}).write(alpha, folder);
}

void ExperimentSetup::write_run(const StoredRun& run, const Recipe& recipe, double scale, const fs::path& folder) {
  CausalLM model = load();
  const std::vector<NamedLora> pairs = take_run(run, recipe, model);
  task_vector_of(model, original_.checkpoint, pairs, recipe)->write(scale, folder);
}

}  // namespace lethe
