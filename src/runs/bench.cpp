#include "runs/bench.h"

#include <chrono>

#include "core/error.h"
#include "models/loading.h"
#include "runs/stage1.h"
#include "runs/stage2.h"

namespace lethe {
namespace fs = std::filesystem;

Bench::Bench(const Recipe& recipe, const Checkpoint& base, const Tokenizer& tokenizer, const Compute& compute)
    : base_(base),
      compute_(compute),
      examples_(tokenizer, Template::parse(recipe.data.response_template), example_options(recipe)),
      data_(load_run_data(recipe, examples_, nullptr)),
      examiner_(recipe, base, tokenizer, examples_, data_) {
  CausalLM model = load();
  meter_ = std::make_unique<DivergenceMeter>(model, examples_, data_.normal.validation);
}

CausalLM Bench::load() const {
  return load_model(base_, {.device = compute_.device, .dtype = compute_.dtype});
}

ModelComparison& Bench::comparison_on(HeldOut part, CausalLM& original) {
  const auto [place, fresh] = comparisons_.emplace(part, nullptr);
  if (fresh) {
    place->second = std::make_unique<ModelComparison>(examiner_.comparison(part));
    place->second->ask_original(original);
  }
  return *place->second;
}

Cell Bench::measure(const Recipe& recipe, const std::string& name, HeldOut part, const std::vector<double>& budgets,
                    const std::vector<double>& alphas, const fs::path& metrics) {
  const auto start = std::chrono::steady_clock::now();
  CausalLM model = load();
  ModelComparison& comparison = comparison_on(part, model);
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
        place->second = meter_->measure(model);
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

}  // namespace lethe
