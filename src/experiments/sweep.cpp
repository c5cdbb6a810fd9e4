#include "experiments/sweep.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/files.h"
#include "core/folder_names.h"
#include "core/seconds_since.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "experiments/experiment_setup.h"
#include "experiments/sweep_grid.h"
#include "experiments/sweep_points.h"
#include "models/loading.h"
#include "recipe/method_table.h"
#include "recipe/recipe_bounds.h"
#include "recipe/recipe_values.h"
#include "report/compare_page.h"
#include "runs/compare_data.h"
#include "runs/input_check.h"
#include "runs/model_card.h"
#include "runs/plan_file.h"
#include "runs/stored_recipe.h"
#include "runs/template_choice.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// A finished run, read from its folder.
struct FinishedRun {
  Recipe recipe;
  double alpha = 0;
};

FinishedRun read_run(const SweepRequest& request) {
  const fs::path results = request.run / "results.json", recipe = request.run / "recipe.yaml";
  const auto wrong = [&](const std::string& found) {
    return bad_input("cannot sweep " + request.run.string()).wanted("a run folder of `lethe unlearn`").found(found);
  };
  refuse_unfinished(request.run, "cannot sweep " + request.run.string());
  if (!fs::exists(results) || !fs::exists(recipe)) throw wrong("no results.json and recipe.yaml");
  const Json json = read_json(results);
  if (!json.is_object() || !json.contains("alpha") || !json.at("alpha").is_number())
    throw wrong("no alpha in results.json");
  FinishedRun run{stored_recipe(request.run), json.at("alpha").get<double>()};
  if (run.alpha == 0) throw wrong("alpha 0: the original itself");
  run.recipe.device = request.device;
  run.recipe.dtype = request.dtype;
  if (!request.response_template.empty()) {
    run.recipe.data.response_template = request.response_template;
    run.recipe.data.append_eos = AppendEos::automatic;
    check_recipe(run.recipe);
  }
  if (request.prompts > 0) run.recipe.evaluation.prompts = request.prompts;
  if (!asks_judge(run.recipe)) run.recipe.evaluation = {.max_new_tokens = run.recipe.evaluation.max_new_tokens};
  run.recipe.evaluation.cache = run.recipe.evaluation.cache && request.cache;
  return run;
}

// A unit of work whose results go into one file: a training, or one α of the finished run.
struct SweepJob {
  std::string name;
  Variant variant;
  std::vector<double> budgets, alphas;
};

std::vector<SweepJob> jobs_of(const SweepRequest& request, const FinishedRun& finished) {
  std::vector<SweepJob> jobs;
  if (request.over.empty()) {
    std::vector<double> alphas = request.alphas;
    if (alphas.empty()) alphas = {0.2, 0.4, 0.6, 0.8, 1.0, finished.alpha};
    std::sort(alphas.begin(), alphas.end());
    alphas.erase(std::unique(alphas.begin(), alphas.end()), alphas.end());
    std::vector<std::string> ratios;
    for (const double ratio : request.ratios) ratios.push_back("safe.ratio=" + recipe_values::number_text(ratio));
    for (const std::string& ratio : ratios.empty() ? std::vector<std::string>{""} : ratios) {
      Variant variant{{}, finished.recipe};
      if (!ratio.empty()) {
        variant.settings = {{"safe.ratio", ratio.substr(ratio.find('=') + 1)}};
        variant.recipe = with_settings(variant.recipe, {ratio});
      }
      const std::string before = ratio.empty() ? "" : ratio + " ";
      for (const double alpha : alphas) jobs.push_back({before + "alpha " + fixed(alpha, 6), variant, {}, {alpha}});
    }
    return jobs;
  }
  for (Variant& variant : grid_of(request.over, finished.recipe)) {
    check_trains_to_the_end(variant.recipe);
    const std::string name = variant.label();
    SweepJob job{name, std::move(variant), request.budgets, request.alphas};
    if (job.budgets.empty() && job.alphas.empty()) {
      if (finished.recipe.negation.alpha) {
        job.alphas = {*finished.recipe.negation.alpha};
      } else {
        job.budgets = {finished.recipe.negation.kl_budget};
      }
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// Whether the halves of contrast lie apart in the run's adapter.
void check_halves(const SweepRequest& request, const Recipe& recipe) {
  if (request.ratios.empty()) return;
  const auto refused = [](const std::string& found) {
    return bad_input("cannot sweep over --ratio").wanted("a LoRA run of contrast with a harmful half").found(found);
  };
  if (!request.over.empty()) throw bad_usage("cannot use --ratio with --over").hint("--over safe.ratio=…");
  if (method_named(recipe.method).stage2 != Stage2::contrast) throw refused("a run of " + recipe.method);
  if (recipe.tuning != TuningKind::lora)
    throw refused("full tuning, whose result holds both halves in one sum").hint("--over safe.ratio=… trains again");
  if (recipe.safe.ratio == 0) throw refused("safe.ratio 0: no harm was learned").hint("--over safe.ratio=… trains it");
  if (recipe.negation.rank > 0 || recipe.negation.repair.steps > 0)
    throw refused("halves that negation.rank or negation.repair mixed").hint("--over safe.ratio=… trains again");
}

// The settings that all points share. Points with other settings are not mixed with them.
void open_points(const fs::path& points, const SweepRequest& request, const FinishedRun& finished,
                 const std::vector<SweepJob>& jobs) {
  OrderedJson plan = {{"lethe", LETHE_VERSION},
                      {"run", fs::absolute(request.run).lexically_normal().string()},
                      {"alpha_of_run", finished.alpha},
                      {"prompts", request.on_test ? "test" : "validation"},
                      {"recipe", to_yaml(without_place(finished.recipe))}};
  if (!request.over.empty()) {
    plan["budgets"] = jobs[0].budgets;
    plan["alphas"] = jobs[0].alphas;
  }
  const std::string text = dump_json(plan, 1) + "\n";
  if (holds_plan(points, text, "points")) return;
  fs::create_directories(points);
  write_plan(points, text);
}

// Computes the jobs. A job whose file exists is not computed again.
class SweepWork {
 public:
  SweepWork(const SweepRequest& request, const FinishedRun& finished, fs::path points)
      : request_(request),
        finished_(finished),
        points_(std::move(points)),
        compute_(choose_compute(request.device, request.dtype, request.threads)),
        original_(finished.recipe.model) {}

  std::vector<Cell> cells(const std::vector<SweepJob>& jobs) {
    std::vector<Cell> cells;
    std::size_t left = 0;
    for (const SweepJob& job : jobs) left += !fs::exists(file_of(job));
    if (left > 0 && !request_.over.empty()) {
      check_held_out(setup().data(), part(), "cannot compare settings",
                     request_.on_test ? " of the run" : " of the run; or --on test");
      if (!jobs.front().budgets.empty()) check_answers_for_budget(setup().data());
    }
    double seconds = 0;
    std::size_t done = 0;
    for (const SweepJob& job : jobs) {
      const fs::path file = file_of(job);
      if (fs::exists(file)) {
        cells.push_back(read_cell(file));
        continue;
      }
      say("point " + std::to_string(cells.size() + 1) + " of " + std::to_string(jobs.size()) + ": " + job.name +
          (done > 0 ? "   ETA " + duration_text(seconds / static_cast<double>(done) * static_cast<double>(left - done))
                    : std::string()));
      const auto start = std::chrono::steady_clock::now();
      cells.push_back(measure(job));
      write_cell(cells.back(), file);
      seconds += seconds_since(start);
      ++done;
    }
    return cells;
  }

  void write(const SweepPoint& point, const std::vector<SweepJob>& jobs, const fs::path& folder) {
    for (const SweepJob& job : jobs) {
      if (job.variant.settings != point.settings) continue;
      if (request_.over.empty())
        return setup().write_run(stored(job), finished_.recipe, point.alpha / finished_.alpha, folder);
      say("training the best point once more, to write it");
      setup().write(job.variant.recipe, point.alpha, folder, fresh_metrics("applied"));
      return;
    }
  }

 private:
  fs::path file_of(const SweepJob& job) const { return points_ / (cell_file_name(job.name) + ".json"); }
  fs::path fresh_metrics(const std::string& name) const {
    const fs::path path = points_ / (name + ".metrics.jsonl");
    fs::remove(path);  // left by an interrupted training
    return path;
  }
  ExperimentSetup& setup() {
    if (!setup_) setup_ = std::make_unique<ExperimentSetup>(finished_.recipe, original_, compute_);
    return *setup_;
  }
  StoredRun stored(const SweepJob& job) const {
    const double ratio = finished_.recipe.safe.ratio;
    return {request_.run, ratio == 0 ? 1 : job.variant.recipe.safe.ratio / ratio};
  }
  HeldOut part() const { return request_.on_test ? HeldOut::test : HeldOut::validation; }
  Cell measure(const SweepJob& job) {
    if (request_.over.empty())
      return setup().measure_run(stored(job), finished_.recipe, finished_.alpha, part(), job.alphas);
    return setup().measure(job.variant.recipe, job.name, part(), job.budgets, job.alphas,
                           fresh_metrics(cell_file_name(job.name)));
  }

  const SweepRequest& request_;
  const FinishedRun& finished_;
  fs::path points_;
  Compute compute_;
  StoredModel original_;
  std::unique_ptr<ExperimentSetup> setup_;
};

SweepResult result_of(const SweepRequest& request, const std::vector<SweepJob>& jobs, const std::vector<Cell>& cells) {
  SweepResult result{"Sweep of " + fs::absolute(request.run).lexically_normal().filename().string(),
                     request.on_test ? "test" : "validation", request.keep, !request.over.empty(),
                     cells.at(0).original};
  for (const Cell& cell : cells) {
    if (!cell.judge_withheld.empty()) result.judge_withheld = cell.judge_withheld;
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& settings = jobs[i].variant.settings;
    if (!cells[i].failed.empty()) result.points.push_back({settings, 0, 0, {}, cells[i].failed});
    for (const CellPoint& point : cells[i].points)
      result.points.push_back({settings, point.alpha, point.budget, point.figures});
  }
  assess(result);
  return result;
}

OrderedJson sweep_json(const SweepRequest& request, const FinishedRun& finished, const SweepResult& result) {
  OrderedJson json = {{"run", request.run.string()},   {"alpha_of_run", finished.alpha},
                      {"over", request.over},          {"prompts", result.prompts},
                      {"keep", request.keep},          {"original", to_json(result.original)},
                      {"points", OrderedJson::array()}};
  if (!result.judge_withheld.empty()) {
    json["judge_withheld"] = result.judge_withheld;
    json["original"]["harm"] = nullptr;
  }
  for (const SweepPoint& point : result.points) {
    json["points"].push_back(to_json(point));
    if (!result.judge_withheld.empty()) json["points"].back()["harm"] = nullptr;
  }
  json["best"] = result.best ? OrderedJson(result.points[*result.best].alpha) : OrderedJson();
  json["best_point"] = result.best ? OrderedJson(*result.best) : OrderedJson();
  return json;
}

}  // namespace

void sweep(const SweepRequest& request) {
  parse_constraints(request.keep);
  check_alphas("--alpha", request.alphas, request.allow_any_alpha, "--allow-any-alpha");
  check_budgets("--budgets", request.budgets);
  FinishedRun finished = read_run(request);
  check_halves(request, finished.recipe);
  if (request.over.empty() && !request.budgets.empty())
    throw bad_usage("cannot use --budgets").wanted("--over, too").hint("--keep \"normal_kl<=0.1\" for a finished run");
  const fs::path out = request.out.empty() ? request.run : request.out;
  check_paths(models_of(finished.recipe), paths_of(finished.recipe), (out / "points").string());
  const Checkpoint base(resolve_model_folder(finished.recipe.model));
  const TemplateChoice layout = choose_template(finished.recipe.data, base.folder());
  finished.recipe = with_template(std::move(finished.recipe), layout);
  const std::vector<SweepJob> jobs = jobs_of(request, finished);
  for (const SweepJob& job : jobs) check_names_of_weights(job.variant.recipe, base);
  std::optional<StagedFolder> applied;
  if (!request.apply.empty()) applied.emplace(request.apply);
  open_points(out / "points", request, finished, jobs);
  report_template(layout, nullptr);

  SweepWork work(request, finished, out / "points");
  const SweepResult result = result_of(request, jobs, work.cells(jobs));
  const OrderedJson json = sweep_json(request, finished, result);
  const Table table = sweep_table(result);
  print_table(request.json ? dump_json(json) + "\n" : terminal_table(table));
  Page page = sweep_page(result);
  page.recipe = to_yaml(finished.recipe);
  write_file(out / "sweep.html", html_page(page));
  write_file(out / "sweep.json", dump_json(json, 2) + "\n");
  if (request.over.empty())
    write_file(out / "page.html", compare_page(static_compare_data(open_compared_run(request.run), Json(json))));
  say_wrote((out / "sweep.json").string(), request.over.empty() ? ", sweep.html and page.html" : " and sweep.html",
            dump_json(json));
  if (!result.judge_withheld.empty()) {
    say(harm_not_judged(result.judge_withheld));
    if (!applied) return;
    throw Error("cannot choose a point to write to " + request.apply.string())
        .found("harm was not judged: " + result.judge_withheld)
        .hint("another judge (evaluation.judge); or lethe negate with an alpha of your choice");
  }
  if (!result.best) {
    throw Error("no point keeps what must be kept")
        .wanted(request.keep.empty() ? "a training that does not fail" : request.keep)
        .found("none of " + std::to_string(result.points.size()))
        .hint("smaller --alpha values, or a weaker --keep");
  }
  if (!applied) return;
  const SweepPoint& best = result.points[*result.best];
  work.write(best, jobs, applied->path());
  Recipe settings = finished.recipe;
  for (const SweepJob& job : jobs) {
    if (job.variant.settings == best.settings) settings = job.variant.recipe;
  }
  settings.negation.alpha = best.alpha;
  ModelCard card = unlearning_card(settings, base.folder(), best.alpha, nullptr);
  card.notes = {
      "lethe sweep chose alpha. Its figures of this model are in sweep.json; lethe evaluate gives a verdict."};
  write_card(card, applied->path());
  applied->commit();
  say_wrote(request.apply.string(), " (" + best.label() + ")");
}

}  // namespace lethe
