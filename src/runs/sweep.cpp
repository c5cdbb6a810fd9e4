#include "runs/sweep.h"

#include <algorithm>
#include <iostream>
#include <optional>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "models/loading.h"
#include "nn/device.h"
#include "report/page.h"
#include "runs/examiner.h"
#include "runs/figures.h"
#include "runs/methods.h"
#include "runs/task_vector.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

struct Point {
  double alpha = 0;
  Figures figures;
  bool dominated = false, allowed = true;
};

// What a run was, read back from its folder.
struct FinishedRun {
  Recipe recipe;
  double alpha = 0;
};

FinishedRun read_run(const SweepRequest& request) {
  const fs::path results = request.run / "results.json", recipe = request.run / "recipe.yaml";
  const auto wrong = [&](const std::string& found) {
    return bad_input("cannot sweep " + request.run.string()).wanted("a run folder of `lethe unlearn`").found(found);
  };
  if (!fs::exists(results) || !fs::exists(recipe)) throw wrong("no results.json and recipe.yaml");
  const Json json = read_json(results);
  if (!json.is_object() || !json.contains("alpha") || !json.at("alpha").is_number())
    throw wrong("no alpha in results.json");
  FinishedRun run{load_recipe(recipe), json.at("alpha").get<double>()};
  if (run.alpha == 0) throw wrong("alpha 0: the original itself");
  run.recipe.device = request.device;
  run.recipe.dtype = request.dtype;
  if (request.prompts > 0) run.recipe.evaluation.prompts = request.prompts;
  if (!asks_judge(run.recipe)) run.recipe.evaluation = {.max_new_tokens = run.recipe.evaluation.max_new_tokens};
  return run;
}

std::vector<double> alphas_of(const SweepRequest& request, double alpha) {
  std::vector<double> alphas = request.alphas;
  if (alphas.empty()) alphas = {0.2, 0.4, 0.6, 0.8, 1.0, alpha};
  std::sort(alphas.begin(), alphas.end());
  alphas.erase(std::unique(alphas.begin(), alphas.end()), alphas.end());
  return alphas;
}

double harm(const Figures& figures) {
  double sum = 0;
  int count = 0;
  for (const char* name : {"harmful_seen", "harmful_unseen"}) {
    const auto found = figures.find(name);
    if (found == figures.end()) continue;
    sum += found->second;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

// The least harmful point that keeps what must be kept; of equals the smaller α.
std::optional<Point> best_of(const std::vector<Point>& points) {
  std::optional<Point> best;
  for (const Point& point : points) {
    if (point.allowed && (!best || harm(point.figures) < harm(best->figures))) best = point;
  }
  return best;
}

Table table_of(const Figures& original, const std::vector<Point>& points, const std::optional<Point>& best) {
  Table table{"", {"alpha", "harm seen", "harm unseen", "degenerate", "ROUGE-L", "perplexity", "KL", ""}, {}};
  const auto row = [&](const std::string& name, const Figures& figures, const std::string& mark) {
    const auto cell = [&](const char* figure, bool is_rate, int digits) {
      const auto found = figures.find(figure);
      if (found == figures.end()) return std::string("-");
      return is_rate ? percent(found->second) : fixed(found->second, digits);
    };
    table.rows.push_back({name, cell("harmful_seen", true, 0), cell("harmful_unseen", true, 0),
                          cell("degenerate_unseen", true, 0), cell("normal_rouge_l", false, 3),
                          cell("normal_perplexity", false, 2), cell("normal_kl", false, 3), mark});
  };
  row("original", original, "");
  for (const Point& point : points) {
    std::string mark = best && best->alpha == point.alpha ? "<- best" : point.dominated ? "dominated" : "";
    if (!point.allowed) mark = "outside --keep";
    row(fixed(point.alpha, 3), point.figures, mark);
  }
  return table;
}

Page page_of(const std::string& title, const Table& table, const std::vector<Point>& points, bool on_test) {
  Page page;
  page.title = title;
  page.summary =
      std::string("Each alpha on ") + (on_test ? "test" : "validation") +
      " prompts, without training again. Dominated: another alpha is as good in harm and in KL, and better in one.";
  page.tables.push_back(table);
  Series seen{"seen prompts", {}}, unseen{"unseen prompts", {}};
  for (const Point& point : points) {
    const auto kl = point.figures.find("normal_kl");
    if (kl == point.figures.end()) continue;
    if (point.figures.contains("harmful_seen")) seen.points.emplace_back(kl->second, point.figures.at("harmful_seen"));
    if (point.figures.contains("harmful_unseen"))
      unseen.points.emplace_back(kl->second, point.figures.at("harmful_unseen"));
  }
  page.plots.push_back({"Harm against what it costs",
                        "KL from the original on normal answers, nats a token",
                        "share of harmful answers",
                        {seen, unseen}});
  return page;
}

}  // namespace

void sweep(const SweepRequest& request) {
  const std::vector<Constraint> constraints = parse_constraints(request.keep);
  const FinishedRun finished = read_run(request);
  const Recipe& recipe = finished.recipe;
  const fs::path out = request.out.empty() ? request.run : request.out;
  if (fs::exists(out / "sweep.json"))
    throw bad_input("cannot write " + (out / "sweep.json").string()).found("a sweep").hint("--out another folder");
  std::optional<StagedFolder> applied;
  if (!request.apply.empty()) applied.emplace(request.apply);

  const Compute compute = choose_compute(request.device, request.dtype, request.threads);
  const Checkpoint base(resolve_model_folder(recipe.model));
  const Tokenizer tokenizer = Tokenizer::load(base.folder());
  ExampleMaker examples(tokenizer, Template::parse(recipe.data.response_template), example_options(recipe));
  const RunData data = load_run_data(recipe, examples, nullptr);
  const Examiner examiner(recipe, base, tokenizer, examples, data);
  ModelComparison comparison = examiner.comparison(request.on_test ? HeldOut::test : HeldOut::validation);

  CausalLM model = load_model(base, {.device = compute.device, .dtype = compute.dtype});
  comparison.ask_original(model);
  const Figures original = figures_of(comparison.result().original);
  std::vector<NamedLora> pairs;
  if (recipe.tuning == "lora") {
    pairs = attach_lora(model, Adapter(request.run / "adapter"));
  } else {
    model = load_model(Checkpoint(request.run / "model"), {.device = compute.device, .dtype = compute.dtype});
  }
  TaskVector vector(model, base, pairs);

  std::vector<Point> points;
  std::vector<Figures> figures;
  for (const double alpha : alphas_of(request, finished.alpha)) {
    vector.apply(alpha / finished.alpha);
    comparison.ask(model);
    Point point{alpha, figures_of(*comparison.result().unlearned)};
    point.allowed = std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
      return constraint.holds(point.figures, original);
    });
    figures.push_back(point.figures);
    points.push_back(std::move(point));
  }
  const std::vector<bool> beaten = dominated(figures, "harmful_unseen", "normal_kl");
  for (std::size_t i = 0; i < points.size(); ++i) points[i].dominated = beaten[i];
  const std::optional<Point> best = best_of(points);

  OrderedJson json = {{"run", request.run.string()},
                      {"alpha_of_run", finished.alpha},
                      {"prompts", request.on_test ? "test" : "validation"},
                      {"keep", request.keep},
                      {"original", to_json(original)},
                      {"points", OrderedJson::array()}};
  for (const Point& point : points) {
    OrderedJson entry = {{"alpha", point.alpha}};
    entry.update(to_json(point.figures));
    entry["dominated"] = point.dominated;
    entry["allowed"] = point.allowed;
    json["points"].push_back(std::move(entry));
  }
  json["best"] = best ? OrderedJson(best->alpha) : OrderedJson();
  const Table table = table_of(original, points, best);
  std::cout << (request.json ? dump_json(json) + "\n" : terminal_table(table)) << std::flush;
  fs::create_directories(out);
  const std::string title = "Sweep of " + fs::absolute(request.run).filename().string();
  write_file(out / "sweep.html", html_page(page_of(title, table, points, request.on_test)));
  write_file(out / "sweep.json", dump_json(json, 2) + "\n");
  say("wrote " + (out / "sweep.json").string() + " and sweep.html");
  if (!best) {
    throw Error("no alpha keeps what must be kept")
        .wanted(request.keep)
        .found("none of " + std::to_string(points.size()))
        .hint("smaller --alpha values, or a weaker --keep");
  }
  if (!applied) return;
  vector.write(best->alpha / finished.alpha, applied->path(), recipe);
  applied->commit();
  say("wrote " + request.apply.string() + " (alpha " + fixed(best->alpha, 3) + ")");
}

}  // namespace lethe
