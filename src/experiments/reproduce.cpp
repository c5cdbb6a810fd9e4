#include "experiments/reproduce.h"

#include <map>

#include "core/error.h"
#include "core/join.h"
#include "core/terminal.h"
#include "demo/demo.h"
#include "experiments/cells.h"
#include "experiments/experiment_setup.h"
#include "experiments/plan.h"
#include "experiments/reproduce_table.h"
#include "recipe/recipe_bounds.h"
#include "runs/input_check.h"
#include "runs/run_plan.h"
#include "runs/template_choice.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Recipe recipe_of(const ReproduceRequest& request, const ReproducedRow& row, std::uint64_t seed, double lr) {
  Recipe recipe = request.recipe;
  recipe.seed = seed;
  recipe.training.lr = lr;
  return with_settings(std::move(recipe), row.settings);
}

// The settings that all cells share. Cells with other settings are not mixed with them.
std::string fingerprint(const ReproduceRequest& request) {
  Recipe recipe = without_place(request.recipe);
  recipe.seed = 0;
  recipe.training.lr = 1;
  const OrderedJson json = {{"lethe", LETHE_VERSION},
                            {"recipe", to_yaml(recipe)},
                            {"rates", request.rates},
                            {"budgets", request.budgets},
                            {"alphas", request.alphas}};
  return dump_json(json, 1) + "\n";
}

Cell finished_cell(const fs::path& path, const ReproducedRow& row) {
  Cell cell = read_cell(path);
  if (cell.settings == row.settings) return cell;
  throw bad_input("cannot go on with row " + row.name)
      .found("a cell of other settings: " + excerpt(join(cell.settings, " "), 200) + " (" + path.string() + ")")
      .hint("another name for this variant, or remove that file");
}

// Whether the folder holds cells of this plan. @throws Error (bad input) if it holds anything else
bool check_folder(const fs::path& out, const std::string& plan) {
  if (holds_plan(out, plan, "cells")) return true;
  if (fs::exists(out) && !fs::is_empty(out))
    throw bad_input("cannot write to " + out.string()).found("a folder that already holds something");
  return false;
}

void open_folder(const fs::path& out, const std::string& plan) {
  if (check_folder(out, plan)) return;
  fs::create_directories(out / "cells");
  write_plan(out, plan);
}

// @param base  the plan of one training; may be empty
RunPlan reproduction_plan(const ReproduceRequest& request, RunPlan base) {
  RunPlan plan = std::move(base);
  plan.command = "reproduce";
  std::erase_if(plan.lines, [](const auto& line) {
    return line.first == "method" || line.first == "alpha" || line.first == "output" || line.first == "time";
  });
  std::vector<std::string> names;
  for (const ReproducedRow& row : request.rows) names.push_back(row.name);
  const std::size_t tried = request.rates.size() > 1 ? names.size() * request.rates.size() : 0,
                    cells = names.size() * request.seeds.size();
  plan.lines.insert(plan.lines.begin(), {"rows", excerpt(join(names, ", "), 400)});
  plan.lines.insert(plan.lines.begin() + 1,
                    {"trainings", with_commas(tried + cells) + ": " + with_commas(cells) + " cells (rows × " +
                                      with_commas(request.seeds.size()) + " seeds) and " + with_commas(tried) +
                                      " to choose learning rates"});
  plan.lines.emplace_back("points", "of each cell " + with_commas(request.budgets.size()) + " by KL budget and " +
                                        with_commas(request.alphas.size() + 1) + " by alpha");
  plan.lines.emplace_back("output", excerpt(request.recipe.out, 400) + "; finished cells are not computed again");
  plan.facts["command"] = plan.command;
  plan.facts["rows"] = names;
  plan.facts["trainings"] = tried + cells;
  return plan;
}

// What a dry run prints, after the checks.
RunPlan checked_plan(const ReproduceRequest& request, const Compute& compute) {
  const Recipe& recipe = request.recipe;
  check_folder(recipe.out, fingerprint(request));
  if (!request.demo_inputs.empty()) return reproduction_plan(request, {});  // model and data are not written yet
  const StoredModel original(recipe.model);
  const RunData data = load_run_data(recipe, original.examples(recipe), nullptr);
  check_further_sets(recipe);
  return reproduction_plan(request, unlearning_plan(recipe, original, data, compute));
}

std::string rate_name(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", rate);
  return text;
}

void check_inputs(const ReproduceRequest& request) {
  const Recipe& settings = request.recipe;
  check_paths(models_of(settings), paths_of(settings), settings.out);
  const Checkpoint base(resolve_model_folder(settings.model));
  for (const ReproducedRow& row : request.rows)
    check_names_of_weights(recipe_of(request, row, settings.seed, settings.training.lr), base);
}

}  // namespace

void reproduce(const ReproduceRequest& given) {
  ReproduceRequest request = given;
  require_keys(request.recipe, {"model", "data.harmful", "data.normal", "out"});
  check_alphas("--alphas", request.alphas, request.recipe.negation.allow_any_alpha, "negation.allow_any_alpha=true");
  check_budgets("--budgets", request.budgets);
  const Recipe& settings = request.recipe;
  const fs::path out = settings.out;
  if (request.demo_inputs.empty()) {
    check_inputs(request);
    const TemplateChoice layout = choose_template(given.recipe.data, resolve_model_folder(settings.model));
    request.recipe = with_template(given.recipe, layout);
    report_template(layout, nullptr);
  }
  const Compute compute = choose_compute(settings.device, settings.dtype, static_cast<int>(settings.threads));
  if (request.dry_run.on) return print_plan(checked_plan(request, compute), request.dry_run);
  open_folder(out, fingerprint(request));
  if (!request.demo_inputs.empty()) write_demo_inputs(request.demo_inputs);
  const StoredModel original(settings.model);
  say(reproduction_plan(request, {}).text());

  OpenJudges judges;
  std::map<std::uint64_t, std::unique_ptr<ExperimentSetup>> setups;
  const auto cell_of = [&](const std::string& file, const ReproducedRow& row, std::uint64_t seed, double lr,
                           HeldOut part, const std::vector<double>& alphas) {
    const fs::path path = out / "cells" / (file + ".json"), metrics = out / "cells" / (file + ".metrics.jsonl");
    if (fs::exists(path)) return finished_cell(path, row);
    const Recipe recipe = recipe_of(request, row, seed, lr);
    auto& setup = setups[seed];
    if (!setup) setup = std::make_unique<ExperimentSetup>(recipe, original, compute, &judges);
    fs::remove(metrics);  // left by an interrupted cell
    const auto budgets = part == HeldOut::test ? request.budgets : std::vector<double>{request.budgets.at(0)};
    Cell cell = setup->measure(recipe, row.name, part, budgets, alphas, metrics);
    cell.settings = row.settings;
    write_cell(cell, path);
    return cell;
  };

  std::vector<double> alphas = request.alphas;
  alphas.push_back(1);
  std::vector<Cell> cells;
  std::size_t number = 0;
  for (const ReproducedRow& row : request.rows) {
    say("row " + std::to_string(++number) + " of " + std::to_string(request.rows.size()) + ": " + row.name);
    double best_rate = request.rates.at(0), least = 3;
    for (const double rate : request.rates) {
      if (request.rates.size() == 1) break;
      const Cell cell =
          cell_of("tune-" + row.name + "-" + rate_name(rate), row, request.seeds.at(0), rate, HeldOut::validation, {});
      const CellPoint* point = cell.at_budget(request.budgets.at(0));
      const double share = point == nullptr ? 2 : harm_to_choose_by(point->figures);  // 2: training failed
      if (share < least) {
        least = share;
        best_rate = rate;
      }
    }
    for (const std::uint64_t seed : request.seeds)
      cells.push_back(cell_of(row.name + "-" + std::to_string(seed), row, seed, best_rate, HeldOut::test, alphas));
  }
  write_reproduction(cells, request, out);
  say("wrote " + (out / "table.json").string() + ", table.md and report.html");
}

}  // namespace lethe
