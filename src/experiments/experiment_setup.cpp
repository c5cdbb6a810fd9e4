#include "experiments/experiment_setup.h"

#include <chrono>

#include "architectures/families.h"
#include "core/error.h"
#include "models/loading.h"
#include "runs/stage1.h"
#include "runs/stage2.h"

namespace lethe {
namespace fs = std::filesystem;

ExperimentSetup::ExperimentSetup(const Recipe& recipe, const Checkpoint& base, const Tokenizer& tokenizer,
                                 const Compute& compute, OpenJudges* opened)
    : base_(base),
      compute_(compute),
      nf4_(recipe.quantize == "nf4"),
      spec_(decoder_spec(base.config(), (base.folder() / "config.json").string())),
      examples_(tokenizer, recipe_template(recipe, base.folder()), example_options(recipe, spec_.max_positions)),
      data_(load_run_data(recipe, examples_, nullptr)),
      examiner_(recipe, base, spec_.max_positions, tokenizer, examples_, data_, nullptr, opened) {}

CausalLM ExperimentSetup::load() const {
  return load_model(base_, spec_, {.device = compute_.device, .dtype = compute_.dtype, .nf4 = nf4_});
}

DivergenceMeter& ExperimentSetup::meter(CausalLM& original) {
  if (data_.normal.validation.empty()) {
    throw bad_input("cannot choose alpha by a budget")
        .wanted("normal answers to validate on")
        .found("none")
        .hint("a larger data.split.validation");
  }
  if (!meter_) meter_ = std::make_unique<DivergenceMeter>(original, examples_, data_.normal.validation);
  return *meter_;
}

ModelComparison& ExperimentSetup::comparison_on(HeldOut part, CausalLM& original) {
  const auto [place, fresh] = comparisons_.emplace(part, nullptr);
  if (fresh) {
    place->second = std::make_unique<ModelComparison>(examiner_.comparison(part));
    place->second->ask_original(original);
  }
  return *place->second;
}

Cell ExperimentSetup::measure(const Recipe& recipe, const std::string& name, HeldOut part,
                              const std::vector<double>& budgets, const std::vector<double>& alphas,
                              const fs::path& metrics) {
  const auto start = std::chrono::steady_clock::now();
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
  DivergenceMeter* divergence = budgets.empty() ? nullptr : &meter(model);
  Cell cell{name, recipe.seed, recipe.training.lr};
  cell.original = figures_of(comparison.result().original);
  try {
    Tuning tuning(model, recipe);
    cell.steps = static_cast<std::int64_t>(train_method(recipe, model, tuning, examples_, data_, metrics).size());
    Stage2Vector stage2 = prepare_stage2(recipe, model, base_, tuning, examples_, data_, "", metrics);
    const auto ask_at = [&](double alpha, double budget) {
      stage2.apply(alpha);
      comparison.ask(model);
      cell.points.push_back({alpha, budget, figures_of(*comparison.result().unlearned)});
    };
    std::map<double, double> measured;  // budgets share the points of their search
    const auto kl_at = [&](double alpha) {
      const auto [place, fresh] = measured.emplace(alpha, 0.0);
      if (fresh) {
        stage2.apply(alpha);
        place->second = divergence->measure(model);
      }
      return place->second;
    };
    for (const double budget : budgets) ask_at(choose_alpha(kl_at, budget).alpha, budget);
    for (const double alpha : alphas) ask_at(alpha, 0);
  } catch (const Error& error) {
    if (error.code() != ExitCode::failed) throw;  // interrupted, bad input
    cell.failed = error.what();
    cell.points.clear();
  }
  cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return cell;
}

std::vector<NamedLora> ExperimentSetup::take_run(const fs::path& run, const Recipe& recipe, CausalLM& model) const {
  if (recipe.tuning == "lora") return attach_lora(model, Adapter(run / "adapter"));
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
  const std::vector<NamedLora> pairs = take_run(run, recipe, model);
  TaskVector vector(model, base_, pairs);
  for (const double alpha : alphas) {
    vector.apply(alpha / alpha_of_run);
    comparison.ask(model);
    cell.points.push_back({alpha, 0, figures_of(*comparison.result().unlearned)});
  }
  cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return cell;
}

void ExperimentSetup::write(const Recipe& recipe, double alpha, const fs::path& folder, const fs::path& metrics) {
  CausalLM model = load();
  Tuning tuning(model, recipe);
  train_method(recipe, model, tuning, examples_, data_, metrics);
  Stage2Vector stage2 = prepare_stage2(recipe, model, base_, tuning, examples_, data_, "", metrics);
  stage2.vector.write(stage2.sign * alpha, folder, recipe);
}

void ExperimentSetup::write_run(const fs::path& run, const Recipe& recipe, double scale, const fs::path& folder) {
  CausalLM model = load();
  const std::vector<NamedLora> pairs = take_run(run, recipe, model);
  TaskVector(model, base_, pairs).write(scale, folder, recipe);
}

}  // namespace lethe
