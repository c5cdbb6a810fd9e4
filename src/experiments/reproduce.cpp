#include "experiments/reproduce.h"

#include <algorithm>
#include <map>
#include <optional>

#include "attacks/run_attacks.h"
#include "core/error.h"
#include "core/join.h"
#include "core/terminal.h"
#include "demo/demo.h"
#include "experiments/cells.h"
#include "experiments/experiment_setup.h"
#include "experiments/reproduce_table.h"
#include "experiments/search_time.h"
#include "experiments/trial_space.h"
#include "recipe/recipe_bounds.h"
#include "report/table.h"
#include "runs/input_check.h"
#include "runs/plan_file.h"
#include "runs/run_plan.h"
#include "runs/template_choice.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Of a training in the demo's world with its evaluation, on one core of an AMD EPYC (mean of 12, 2026-11-30).
constexpr double kDemoSeconds = 6;

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
  OrderedJson json = {{"lethe", LETHE_VERSION},
                      {"recipe", to_yaml(recipe)},
                      {"rates", request.rates},
                      {"budgets", request.budgets},
                      {"alphas", request.alphas}};
  if (!request.space.empty()) {
    json["space"] = load_space(request.space, recipe).text();
    json["trials"] = request.trials;
  }
  return dump_json(json, 1) + "\n";
}

Cell finished_cell(const fs::path& path, const ReproducedRow& row) {
  Cell cell = read_cell(path);
  if (cell.settings == row.settings) return cell;
  throw bad_input("cannot go on with row " + row.name)
      .found("a cell of other settings: " + excerpt(join(cell.settings, " "), 200) + " (" + path.string() + ")")
      .hint("another name for this variant, or remove that file");
}

// A training to choose a row's settings by. `file` names its cell.
struct Candidate {
  std::string file;
  ReproducedRow row;
  double rate = 0;
};

// Every row has the same number of candidates: the learning rates, or the trials of the space.
std::vector<Candidate> candidates_of(const ReproduceRequest& request, const ReproducedRow& row) {
  std::vector<Candidate> candidates;
  const double lr = request.recipe.training.lr;
  if (request.space.empty()) {
    for (const double rate : request.rates)
      candidates.push_back({"tune-" + row.name + "-" + short_number(rate), row, rate});
    return candidates;
  }
  const Recipe base = recipe_of(request, row, request.seeds.at(0), lr);
  TrialSpace space = load_space(request.space, base);
  std::erase_if(space.keys, [&](const SpaceKey& key) {  // what makes the row what it is does not vary
    return std::any_of(row.settings.begin(), row.settings.end(),
                       [&](const std::string& setting) { return setting.starts_with(key.name + "="); });
  });
  for (const Variant& trial : draw_trials(space, base, request.trials, base.seed)) {
    Candidate candidate{"tune-" + row.name + "-" + cell_file_name(trial.label()), row, lr};
    for (const auto& [key, value] : trial.settings) candidate.row.settings.push_back(key + "=" + value);
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// Some row must read each key of the space.
void check_space(const ReproduceRequest& request) {
  if (request.space.empty()) return;
  const double lr = request.recipe.training.lr;
  std::vector<Recipe> rows;
  for (const ReproducedRow& row : request.rows) rows.push_back(recipe_of(request, row, request.seeds.at(0), lr));
  check_effects(load_space(request.space, request.recipe), rows);
}

// The trainings of the plan that have no cell yet, and what those that have one took.
struct LeftOver {
  std::size_t cells = 0;
  SearchTime time;
  // Seconds; nothing before the first cell.
  std::optional<double> expected(const Recipe& recipe) const {
    if (!time.known()) return std::nullopt;
    return static_cast<double>(cells) * time.of(static_cast<double>(recipe.training.steps));
  }
};

LeftOver left_over(const ReproduceRequest& request) {
  LeftOver left;
  const auto look = [&](const std::string& name) {
    const fs::path file = fs::path(request.recipe.out) / "cells" / (name + ".json");
    if (!fs::exists(file)) {
      ++left.cells;
    } else {
      left.time.add(read_cell(file));
    }
  };
  for (const ReproducedRow& row : request.rows) {
    const std::vector<Candidate> candidates = candidates_of(request, row);
    for (const Candidate& candidate : candidates) {
      if (candidates.size() > 1) look(candidate.file);
    }
    for (const std::uint64_t seed : request.seeds) look(row.name + "-" + std::to_string(seed));
  }
  return left;
}

std::string reproduction_time_text(const ReproduceRequest& request) {
  const LeftOver left = left_over(request);
  if (left.cells == 0) return "every training is done";
  const std::string trainings = with_commas(left.cells) + " trainings are left: ";
  if (const auto seconds = left.expected(request.recipe))
    return trainings + "about " + duration_text(*seconds) + ", by the finished ones";
  if (request.demo_inputs.empty()) return trainings + "the first one tells how long they take";
  return trainings + "about " + duration_text(kDemoSeconds * static_cast<double>(left.cells)) +
         " on one core of an AMD EPYC";
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
  std::size_t tried = 0;
  for (const ReproducedRow& row : request.rows) {
    const std::size_t candidates = candidates_of(request, row).size();
    tried += candidates > 1 ? candidates : 0;
  }
  const std::size_t cells = names.size() * request.seeds.size();
  plan.lines.insert(plan.lines.begin(), {"rows", excerpt(join(names, ", "), 400)});
  plan.lines.insert(plan.lines.begin() + 1,
                    {"trainings", with_commas(tried + cells) + ": " + with_commas(cells) + " cells (rows × " +
                                      with_commas(request.seeds.size()) + " seeds) and " + with_commas(tried) +
                                      " to choose " + (request.space.empty() ? "learning rates" : "settings") +
                                      "; each cell at " + with_commas(request.budgets.size()) +
                                      (request.budgets.size() == 1 ? " KL budget and " : " KL budgets and ") +
                                      with_commas(request.alphas.size() + 1) + " alphas"});
  if (attacks_result(request.recipe))
    plan.lines.emplace_back("attacks", join(request.recipe.evaluation.attacks, ", ") + " on each cell's model");
  plan.lines.emplace_back("time", reproduction_time_text(request));
  plan.lines.emplace_back("output", excerpt(request.recipe.out, 400) + "; finished cells are not computed again");
  plan.facts["command"] = plan.command;
  plan.facts["rows"] = names;
  plan.facts["trainings"] = tried + cells;
  return plan;
}

// What a dry run prints, after the checks.
RunPlan checked_plan(const ReproduceRequest& request, const Compute& compute) {
  const Recipe& recipe = request.recipe;
  goes_on_in(recipe.out, fingerprint(request), "cells");
  if (!request.demo_inputs.empty()) return reproduction_plan(request, {});  // model and data are not written yet
  const StoredModel original(recipe.model);
  const RunData data = load_run_data(recipe, original.examples(recipe), nullptr);
  check_further_sets(recipe);
  return reproduction_plan(request, unlearning_plan(recipe, original, data, compute));
}

// Attacks the model at the first budget (evaluation.attacks). The model is written for that, and removed afterwards.
PointVisitor attacks_at_budget(const Recipe& recipe, const fs::path& folder) {
  if (!attacks_result(recipe)) return {};
  return [recipe, folder](Stage2Vector& vector, CellPoint& point) {
    fs::remove_all(folder);  // left by an interrupted cell
    const fs::path written = folder / (recipe.tuning == TuningKind::lora ? "adapter" : "model");
    fs::create_directories(written);
    vector.write(point.alpha, written);
    const AttackResult result = attack(run_attack_request(recipe, folder));
    const auto before = result.before.at(kUnlearned).harm();
    if (before && result.judge_withheld.empty()) point.figures[kHarmBeforeAttacks] = before->rate;
    for (const std::string& name : result.attacks()) {
      const AttackRow* row = result.worst(name);
      if (row == nullptr || !result.judge_withheld.empty()) continue;
      if (const auto harm = row->unlearned().harm()) point.figures[harm_after(name)] = harm->rate;
    }
    fs::remove_all(folder);
  };
}

// Settings are chosen on validation prompts, if there is a choice; the table is of test prompts.
void check_parts_of_table(const ReproduceRequest& request, const RunData& data) {
  const std::string doing = "cannot compare methods";
  check_held_out(data, HeldOut::test, doing);
  const bool chooses = std::any_of(request.rows.begin(), request.rows.end(),
                                   [&](const ReproducedRow& row) { return candidates_of(request, row).size() > 1; });
  if (chooses) check_held_out(data, HeldOut::validation, doing, "; or one --rates");
  check_answers_for_budget(data);
}

void check_inputs(const ReproduceRequest& request) {
  const Recipe& settings = request.recipe;
  check_paths(models_of(settings), paths_of(settings), settings.out);
  const Checkpoint base(resolve_model_folder(settings.model));
  for (const ReproducedRow& row : request.rows) {
    const Recipe recipe = recipe_of(request, row, settings.seed, settings.training.lr);
    check_paths({}, paths_of(recipe), settings.out);  // safe.answers of a variant
    check_names_of_weights(recipe, base);
  }
}

}  // namespace

void reproduce(const ReproduceRequest& given) {
  ReproduceRequest request = given;
  require_keys(request.recipe, {"model", "data.harmful", "data.normal", "out"});
  check_alphas("--alphas", request.alphas, request.recipe.negation.allow_any_alpha, "negation.allow_any_alpha=true");
  check_budgets("--budgets", request.budgets);
  check_trains_to_the_end(request.recipe);
  if (attacks_result(request.recipe)) check_attack_names(request.recipe);
  if (request.space.empty() != (request.trials == 0))
    throw bad_usage("cannot search for each method's settings").wanted("--space and --trials");
  for (const ReproducedRow& row : request.rows) candidates_of(request, row);
  check_space(request);
  const Recipe& settings = request.recipe;
  const fs::path out = settings.out;
  if (request.demo_inputs.empty()) {
    check_inputs(request);
    const TemplateChoice layout = choose_template(given.recipe.data, resolve_model_folder(settings.model));
    request.recipe = with_template(given.recipe, layout);
    if (attacks_result(request.recipe)) attacks_on_runs().check(request.recipe);
    report_template(layout, nullptr);
  }
  const Compute compute = choose_compute(settings.device, settings.dtype, static_cast<int>(settings.threads));
  if (request.dry_run.on) return print_plan(checked_plan(request, compute), request.dry_run);
  open_experiment(out, fingerprint(request), "cells", {"cells"});
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
    if (!setup) {
      setup = std::make_unique<ExperimentSetup>(recipe, original, compute, &judges);
      check_parts_of_table(request, setup->data());
    }
    fs::remove(metrics);  // left by an interrupted cell
    const auto budgets = part == HeldOut::test ? request.budgets : std::vector<double>{request.budgets.at(0)};
    const PointVisitor visit =
        part == HeldOut::test ? attacks_at_budget(recipe, out / "cells" / (file + ".attacked")) : PointVisitor();
    Cell cell = setup->measure(recipe, row.name, part, budgets, alphas, metrics, visit);
    cell.settings = row.settings;
    write_cell(cell, path);
    return cell;
  };

  std::vector<double> alphas = request.alphas;
  alphas.push_back(1);
  std::vector<Cell> cells;
  std::size_t number = 0;
  for (const ReproducedRow& row : request.rows) {
    const auto seconds = left_over(request).expected(settings);
    say("row " + std::to_string(++number) + " of " + std::to_string(request.rows.size()) + ": " + row.name +
        (seconds ? "   ETA " + duration_text(*seconds) : std::string()));
    const std::vector<Candidate> candidates = candidates_of(request, row);
    Candidate best = candidates.at(0);
    double least = 3;
    for (const Candidate& candidate : candidates) {
      if (candidates.size() == 1) break;
      const Cell cell =
          cell_of(candidate.file, candidate.row, request.seeds.at(0), candidate.rate, HeldOut::validation, {});
      const CellPoint* point = cell.at_budget(request.budgets.at(0));
      const double share = point == nullptr ? 2 : harm_to_choose_by(point->figures);  // 2: training failed
      if (share < least) {
        least = share;
        best = candidate;
      }
    }
    for (const std::uint64_t seed : request.seeds) {
      cells.push_back(cell_of(row.name + "-" + std::to_string(seed), best.row, seed, best.rate, HeldOut::test, alphas));
    }
  }
  write_reproduction(cells, request, out);
  say_wrote((out / "table.json").string(), ", table.md and report.html");
}

}  // namespace lethe
