#include "experiments/tune_report.h"

#include <algorithm>

#include "core/files.h"
#include "core/messages.h"
#include "core/plain_text.h"
#include "experiments/sweep_points.h"
#include "report/page.h"

namespace lethe {
namespace {

const CellPoint* point_of(const Cell& cell) {
  return cell.points.empty() ? nullptr : &cell.points[0];
}

// The trials as points of a sweep, each in the last round that it took part in.
SweepResult trial_points(const TuneResult& result) {
  SweepResult points{"Search over " + std::to_string(result.search.trials.size()) + " trials",
                     "validation",
                     result.keep,
                     true,
                     result.search.trials.at(0).cells.at(0).original,
                     result.search.trials[0].cells[0].judge_withheld};
  for (const Trial& trial : result.search.trials) {
    const Cell& cell = trial.cells.back();
    SweepPoint point;
    point.settings = {{"trial", std::to_string(trial.number)}};
    if (cell.failed.empty()) point.settings.emplace_back("steps", std::to_string(cell.steps));
    point.settings.insert(point.settings.end(), trial.variant.settings.begin(), trial.variant.settings.end());
    point.failed = cell.failed;
    if (const CellPoint* measured = point_of(cell)) {
      point.alpha = measured->alpha;
      point.budget = measured->budget;
      point.figures = measured->figures;
    }
    if (trial.cells.size() < result.search.rungs.size())
      point.mark = "stopped after round " + std::to_string(trial.cells.size());
    points.points.push_back(std::move(point));
  }
  assess(points);
  points.best = result.search.best;
  return points;
}

Table rounds_table(const SearchResult& search) {
  Table table{"Rounds", {"round", "trials", "share of the steps", "seconds"}, {}};
  for (std::size_t round = 0; round < search.rungs.size(); ++round) {
    double seconds = 0;
    for (const Trial& trial : search.trials) seconds += trial.cells.size() > round ? trial.cells[round].seconds : 0;
    table.rows.push_back({std::to_string(round + 1), std::to_string(search.rungs[round].trials),
                          percent(search.rungs[round].share), fixed(seconds, 1)});
  }
  return table;
}

Table test_table(const TuneResult& result) {
  Table table{"On test prompts", {"model", "alpha"}, {}};
  const bool withheld = !result.test_recipe->judge_withheld.empty();
  for (const Figure* figure : column_figures()) table.columns.push_back(figure->column.title);
  const auto row = [&](const std::string& name, const std::string& alpha, const Figures& figures) {
    std::vector<std::string> texts = {name, alpha};
    for (const Figure* figure : column_figures()) {
      const auto value = value_in(figures, figure->name);
      texts.push_back(value ? text_of(*figure, *value) : withheld && is_of_harm(*figure) ? "not judged" : "-");
    }
    table.rows.push_back(std::move(texts));
  };
  row("original", "", result.test_recipe->original);
  const auto add = [&](const std::string& name, const Cell& cell) {
    const CellPoint* point = point_of(cell);
    row(cell.failed.empty() ? name : name + " (failed)", point == nullptr ? "" : fixed(point->alpha, 3),
        point == nullptr ? Figures{} : point->figures);
  };
  const std::string best = "trial " + std::to_string(*result.search.best + 1);
  add(result.test_best ? "the recipe as it was" : "the recipe as it was (the best)", *result.test_recipe);
  if (result.test_best) add(best + ", the best", *result.test_best);
  return table;
}

OrderedJson point_json(const Cell& cell) {
  const bool failed = !cell.failed.empty();
  OrderedJson json = {{"steps", failed ? OrderedJson() : OrderedJson(cell.steps)}, {"seconds", cell.seconds}};
  if (failed) json["failed"] = cell.failed;
  if (const CellPoint* point = point_of(cell)) {
    json["alpha"] = point->alpha;
    if (point->budget > 0) json["kl_budget"] = point->budget;
    json["figures"] = to_json(point->figures);
  }
  return json;
}

OrderedJson settings_json(const Variant& variant) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [key, value] : variant.settings) json[key] = value;
  return json;
}

OrderedJson json_of(const TuneResult& result) {
  const Cell& first = result.search.trials.at(0).cells.at(0);
  OrderedJson json = {
      {"objective", result.choice.objective}, {"keep", result.keep},           {"space", result.space.text()},
      {"seed", result.recipe.seed},           {"prompts", "validation"},       {"rounds", OrderedJson::array()},
      {"original", to_json(first.original)},  {"trials", OrderedJson::array()}};
  if (!first.judge_withheld.empty()) json["judge_withheld"] = first.judge_withheld;
  for (const Rung& rung : result.search.rungs)
    json["rounds"].push_back({{"trials", rung.trials}, {"share_of_steps", rung.share}});
  for (const Trial& trial : result.search.trials) {
    OrderedJson rounds = OrderedJson::array();
    for (const Cell& cell : trial.cells) rounds.push_back(point_json(cell));
    json["trials"].push_back({{"trial", trial.number},
                              {"settings", settings_json(trial.variant)},
                              {"allowed", result.choice.allows(trial.cells.back())},
                              {"rounds", rounds}});
  }
  json["best"] = nullptr;
  if (result.search.best) {
    const Trial& best = result.search.trials[*result.search.best];
    json["best"] = best.number;
    json["best_settings"] = settings_json(best.variant);
    json["test"] = {{"original", to_json(result.test_recipe->original)},
                    {"recipe", point_json(*result.test_recipe)},
                    {"best", point_json(result.test_best ? *result.test_best : *result.test_recipe)},
                    {"evaluations_in_this_folder", result.test_cells}};
  }
  return json;
}

}  // namespace

void write_tuning(const TuneResult& result, const std::filesystem::path& out) {
  const SweepResult points = trial_points(result);
  Page page = sweep_page(points);
  page.tables[0].title = "Trials, each in its last round";
  page.summary =
      "Successive halving on validation prompts: each round trains the better half of the trials for twice "
      "the steps, anew. Trial 1 is the recipe as it was; the others are drawn from " +
      result.space.text() + ". Objective: " + figure_named(result.choice.objective).title + ", " +
      (smaller_is_better(result.choice.objective) ? "smaller" : "larger") + " is better" +
      (result.keep.empty() ? "" : "; kept: " + result.keep) +
      ". Trials that keep what must be kept come first, then those that miss it by less.";
  page.tables.push_back(rounds_table(result.search));
  if (result.search.best) {
    page.tables.push_back(test_table(result));
    page.notes.emplace_back(
        "The best trial was chosen on validation prompts, so its figures there flatter it. Those on test prompts do "
        "not, as long as nobody chooses by them.");
  }
  const std::size_t used = result.test_best ? 2 : 1;
  if (result.test_cells > used) {
    page.warnings.push_back("This folder holds " + std::to_string(result.test_cells) +
                            " evaluations on test prompts. A choice among them would flatter the winner.");
  }
  page.recipe = to_yaml(result.search.best ? result.search.trials[*result.search.best].variant.recipe : result.recipe);

  std::string markdown = "# " + page.title + "\n\n" + page.summary + "\n\n";
  for (const Table& table : page.tables) {
    markdown += markdown_table(table) + "\n";
    print_table(terminal_table(table) + "\n");
  }
  for (const std::string& note : page.notes) {
    markdown += note + "\n";
    print_table(terminal_text(note) + "\n");
  }
  for (const std::string& warning : page.warnings) {
    markdown += "\n" + warning + "\n";
    warn(warning);
  }
  write_file(out / "tune.json", dump_json(json_of(result), 2) + "\n");
  write_file(out / "tune.md", markdown);
  write_file(out / "report.html", html_page(page));
}

}  // namespace lethe
