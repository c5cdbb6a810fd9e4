#include "runs/compare_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/folder_names.h"
#include "core/messages.h"
#include "core/plain_text.h"
#include "core/redaction.h"
#include "metrics/proportion.h"
#include "recipe/method_table.h"
#include "report/publishing_limits.h"
#include "runs/methods.h"
#include "runs/model_card.h"
#include "runs/stored_recipe.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostPrompts = 200;            // of a set
constexpr std::size_t kLongestText = 4000;           // bytes of a prompt or an answer
constexpr std::uintmax_t kLargestFile = 64'000'000;  // bytes of predictions.jsonl or sweep.json
constexpr const char* kHarm = "harm_or_broken_seen_unseen";
constexpr const char* kDivergence = "normal_kl";

std::string bounded(const std::string& text, std::size_t most = kLongestText) {
  if (text.size() <= most) return text;
  return first_characters(text, most / 4) + " … (" + with_commas(text.size()) + " bytes in all)";
}

bool is_true(const Json& object, const char* key) {
  return object.contains(key) && object.at(key).is_boolean() && object.at(key).get<bool>();
}

std::optional<double> number_in(const Json& object, const std::string& key) {
  if (!object.is_object() || !object.contains(key) || !object.at(key).is_number()) return std::nullopt;
  return object.at(key).get<double>();
}

// A line of predictions.jsonl as the report words it (evaluation/comparison_report.cpp).
OrderedJson stored_answer(const Json& line, bool judged_set, bool withheld, const std::string& where) {
  std::string verdict, tone = "good";
  if (!judged_set) {
    const std::optional<double> likeness = number_in(line, "rouge_l");
    const bool right = is_true(line, "correct");
    verdict = right                      ? "right"
              : is_true(line, "refuses") ? "refuses"
              : likeness                 ? "ROUGE-L " + fixed(*likeness, 2)
                                         : "answers";
    if (!right) tone = "neutral";
  } else if (withheld || !line.contains("harmful") || !line.at("harmful").is_boolean()) {
    verdict = withheld ? "not judged" : "could not be judged";
    tone = "unjudged";
  } else {
    const bool harmful = line.at("harmful").get<bool>();
    verdict = harmful ? "harmful" : "not harmful";
    if (harmful) tone = "harmful";
  }
  const std::string broken = line.contains("degenerate") ? json_text(line, "degenerate", where) : "none";
  if (broken != "none") {
    verdict += ", " + excerpt(broken, 40);
    tone = "broken";
  }
  return {{"response", bounded(json_text(line, "response", where))}, {"verdict", verdict}, {"tone", tone}};
}

struct StoredPrompt {
  std::string prompt;
  OrderedJson answer;
};

bool fits(const fs::path& file) {
  std::error_code none;
  return fs::is_regular_file(file, none) && fs::file_size(file, none) <= kLargestFile;
}

// The prompts of the run's evaluation that are single messages, with both models' answers.
OrderedJson stored_prompts(const fs::path& file, bool withheld) {
  std::vector<std::string> sets;                                                   // in the file's order
  std::map<std::string, std::map<std::string, std::vector<StoredPrompt>>> stored;  // by set and model
  for (const JsonLine& line : parse_json_lines(read_file(file), file.filename().string())) {
    const std::string set = json_text(line.value, "set", line.where),
                      model = json_text(line.value, "model", line.where);
    const bool judged_set = line.value.contains("harmful");
    if (!stored.contains(set)) sets.push_back(set);
    stored[set][model].push_back(
        {json_text(line.value, "prompt", line.where), stored_answer(line.value, judged_set, withheld, line.where)});
    if (line.value.contains("before")) stored[set][model].back().prompt.clear();  // more than one message
  }
  OrderedJson prompts = OrderedJson::array();
  for (const std::string& set : sets) {
    const std::vector<StoredPrompt>&before = stored[set]["original"], &after = stored[set]["unlearned"];
    std::size_t shown = 0;
    for (std::size_t i = 0; i < before.size() && i < after.size() && shown < kMostPrompts; ++i) {
      const std::string& prompt = before[i].prompt;
      if (prompt != after[i].prompt || prompt.empty() || prompt.size() > kLongestText) continue;
      prompts.push_back({{"set", bounded(set, 40)},
                         {"prompt", prompt},
                         {"original", before[i].answer},
                         {"unlearned", after[i].answer}});
      ++shown;
    }
  }
  return prompts;
}

// 95%: low and high.
using Bounds = std::optional<std::pair<double, double>>;

// A curve of [α, value, low, high], without bounds where none are known; empty where nothing was measured.
struct Curve {
  std::string name;
  std::vector<std::tuple<double, double, Bounds>> points;
  void add(double alpha, const std::optional<double>& value, const Bounds& bounds = {}) {
    if (value) points.emplace_back(alpha, *value, bounds);
  }
};

OrderedJson plot_of(const char* title, bool share, std::vector<Curve> curves) {
  OrderedJson series = OrderedJson::array();
  for (Curve& curve : curves) {
    if (curve.points.size() < 2) continue;  // the original alone is no curve
    std::sort(curve.points.begin(), curve.points.end());
    OrderedJson points = OrderedJson::array();
    for (const auto& [alpha, value, bounds] : curve.points) {
      points.push_back({alpha, value});
      if (!bounds) continue;
      points.back().push_back(bounds->first);
      points.back().push_back(bounds->second);
    }
    series.push_back({{"name", curve.name}, {"points", std::move(points)}});
  }
  return {{"title", title}, {"share", share}, {"series", std::move(series)}};
}

// The curves of sweep.json, one for each combination of settings (shares of the harm).
void add_sweep(const Json& sweep, double alpha, std::vector<Curve>& harm, std::vector<Curve>& divergence) {
  const std::string where = "sweep.json";
  if (json_number(sweep, "alpha_of_run", where) != alpha || !json_list(sweep, "over", where).empty()) return;
  const std::string prompts = excerpt(json_text(sweep, "prompts", where), 40) + " prompts";
  std::map<std::string, std::size_t> curve_of;  // by settings
  for (const Json& point : json_list(sweep, "points", where)) {
    if (!point.is_object() || point.contains("failed")) continue;
    std::string settings;
    if (point.contains("settings")) {
      const Json& given = json_object(point, "settings", where);
      for (const auto& [key, value] : given.items())
        settings += ", " + excerpt(key, 40) + " " + excerpt(json_text(given, key, where), 40);
    }
    if (!curve_of.contains(settings)) {
      curve_of[settings] = harm.size();
      harm.push_back({"sweep, " + prompts + settings, {}});
      divergence.push_back({"sweep, " + prompts + settings, {}});
      harm.back().add(0, number_in(json_object(sweep, "original", where), "harm"));
      divergence.back().add(0, 0);
    }
    const double at = json_number(point, "alpha", where);
    harm[curve_of[settings]].add(at, number_in(point, "harm"));
    divergence[curve_of[settings]].add(at, number_in(point, kDivergence));
  }
}

Json figures_in(const Json& results, const char* model) {
  if (!results.contains(model) || !results.at(model).is_object()) return Json::object();
  return results.at(model).value("figures", Json::object());
}

// Wilson's interval of kHarm as a share of that many prompts as both sets have, if they are equally large.
Bounds bounds_of_harm(const Json& results, const char* model) {
  const std::optional<double> rate = number_in(figures_in(results, model), kHarm);
  if (!rate || *rate < 0 || *rate > 1) return {};
  std::optional<double> fewest;
  double sets = 0;
  for (const char* set : {"seen", "unseen"}) {
    const std::optional<double> prompts = number_in(results.at(model).value(set, Json()), "prompts");
    if (!prompts || *prompts < 1 || *prompts > 1e9) continue;
    fewest = std::min(fewest.value_or(*prompts), *prompts);
    ++sets;
  }
  if (!fewest) return {};
  const double cases = *fewest * sets;
  const Proportion share =
      proportion(static_cast<std::size_t>(std::lround(*rate * cases)), static_cast<std::size_t>(cases));
  return {{share.low, share.high}};
}

// The bootstrap interval of the run's KL on test answers, if that is the figure.
Bounds bounds_of_divergence(const Json& results) {
  if (!results.contains("unlearned") || !results.at("unlearned").is_object()) return {};
  const Json normal = results.at("unlearned").value("normal", Json());
  const std::string name = "kl_from_original_test";
  const auto value = number_in(normal, name), low = number_in(normal, name + "_low"),
             high = number_in(normal, name + "_high");
  if (!value || !low || !high || value != number_in(figures_in(results, "unlearned"), kDivergence)) return {};
  return {{*low, *high}};
}

OrderedJson plots_of(const ComparedRun& run, const Json& sweep) {
  std::vector<Curve> harm, divergence;
  if (!sweep.is_null()) add_sweep(sweep, run.alpha, harm, divergence);
  if (run.results.contains("alpha_curve")) {
    Curve curve{"choice of α, validation answers", {}};
    curve.add(0, 0);
    for (const Json& point : json_list(run.results, "alpha_curve", "results.json"))
      curve.add(json_number(point, "alpha", "results.json"), number_in(point, "kl"));
    divergence.push_back(std::move(curve));
  }
  const Json before = figures_in(run.results, "original"), after = figures_in(run.results, "unlearned");
  harm.push_back({"this run, test prompts", {}});
  harm.back().add(0, number_in(before, kHarm), bounds_of_harm(run.results, "original"));
  harm.back().add(run.alpha, number_in(after, kHarm), bounds_of_harm(run.results, "unlearned"));
  divergence.push_back({"this run, test answers", {}});
  divergence.back().add(0, 0);
  divergence.back().add(run.alpha, number_in(after, kDivergence), bounds_of_divergence(run.results));

  OrderedJson plots = OrderedJson::array();
  for (OrderedJson plot :
       {plot_of("Harmful or broken answers, the mean of prompts seen and not seen in unlearning", true,
                std::move(harm)),
        plot_of("KL from the original on normal answers, nats a token", false, std::move(divergence))}) {
    if (!plot.at("series").empty()) plots.push_back(std::move(plot));
  }
  return plots;
}

OrderedJson verdict_of_results(const Json& results) {
  if (!results.contains("verdict")) return {};
  const std::string where = "results.json";
  const Json& verdict = json_object(results, "verdict", where);
  OrderedJson reasons = OrderedJson::array();
  for (const Json& reason : json_list(verdict, "reasons", where)) {
    if (reason.is_string() && reasons.size() < 20) reasons.push_back(bounded(reason.get<std::string>(), 2000));
  }
  return {{"level", json_text(verdict, "level", where)},
          {"sentence", bounded(json_text(verdict, "sentence", where), 2000)},
          {"reasons", std::move(reasons)}};
}

// The limit that names θ_bad first, then the others.
OrderedJson limits_of(const Recipe& recipe) {
  std::vector<std::string> limits = publishing_limits(origin_of(recipe));
  std::swap(limits.at(0), limits.at(1));
  return limits;
}

// A part of the page whose file may be missing, or damaged: then the page does without it.
template <typename Read>
OrderedJson if_readable(const fs::path& file, const Read& read) {
  std::error_code none;
  if (!fs::exists(file, none)) return {};
  try {
    if (!fits(file)) throw bad_input("cannot read " + file.string()).wanted("a file of at most 64 MB");
    return read();
  } catch (const Error& error) {
    warn("the page goes without " + excerpt(file.filename().string()) + ": " + excerpt(error.doing(), 300));
    return {};
  }
}

}  // namespace

double ComparedRun::most_alpha() const {
  return recipe.negation.allow_any_alpha ? std::max(2.0, 2 * alpha) : std::max(1.0, alpha);
}

bool ComparedRun::has_halves() const {
  return method_named(recipe.method).stage2 == Stage2::contrast && recipe.tuning == TuningKind::lora &&
         recipe.safe.ratio != 0 && recipe.negation.rank == 0 && recipe.negation.repair.steps == 0;
}

std::string ComparedRun::judge_withheld() const {
  const std::string where = "results.json";
  if (results.contains("judge_withheld")) return bounded(json_text(results, "judge_withheld", where), 600);
  if (!results.contains("judges")) return "the run was not evaluated";
  const Json& judges = json_list(results, "judges", where);
  if (judges.empty() || !judges.at(0).is_object()) return "the run has no judge";
  return judges.at(0).contains("withheld") ? bounded(json_text(judges.at(0), "withheld", where), 600) : "";
}

ComparedRun open_compared_run(const fs::path& folder) {
  const auto wrong = [&](const std::string& found) {
    return bad_input("cannot compare the models of " + folder.string())
        .wanted("a run folder of `lethe unlearn`")
        .found(found);
  };
  refuse_unfinished(folder, "cannot compare the models of " + folder.string());
  const fs::path results = folder / "results.json", recipe = folder / "recipe.yaml";
  if (!fs::exists(results) || !fs::exists(recipe)) throw wrong("no results.json and recipe.yaml");
  ComparedRun run{folder, stored_recipe(folder), 0, read_json(results)};
  const std::optional<double> alpha = number_in(run.results, "alpha");
  if (!alpha) throw wrong("no alpha in results.json");
  if (*alpha == 0) throw wrong("alpha 0: the original itself");
  run.alpha = *alpha;
  return run;
}

OrderedJson compare_data(const ComparedRun& run, const Json& sweep) {
  const fs::path predictions = run.folder / "predictions.jsonl", swept = run.folder / "sweep.json";
  OrderedJson data;
  data["title"] = bounded(fs::absolute(run.folder / "").lexically_normal().parent_path().filename().string(), 200);
  data["subtitle"] =
      "Original and unlearned model side by side: " + excerpt(public_name(run.recipe.model, run.recipe.model), 100) +
      ", unlearned by " + excerpt(run.recipe.method, 40) + ".";
  data["verdict"] = verdict_of_results(run.results);
  data["limits"] = limits_of(run.recipe);
  data["alpha"] = {{"stored", run.alpha}, {"most", run.most_alpha()}};
  data["parts"] = OrderedJson::array();
  if (run.has_halves())
    data["parts"] = {{{"name", "safe"}, {"label", "what the safe answers taught"}},
                     {{"name", "harm"}, {"label", "the harm that is subtracted"}}};
  OrderedJson prompts, plots;
  if (!texts_are_redacted())
    prompts = if_readable(predictions, [&] { return stored_prompts(predictions, !run.judge_withheld().empty()); });
  data["prompts"] = prompts.is_null() ? OrderedJson::array() : std::move(prompts);
  if (sweep.is_null()) plots = if_readable(swept, [&] { return plots_of(run, read_json(swept)); });
  data["plots"] = plots.is_null() ? plots_of(run, sweep) : std::move(plots);
  data["tokens"] = run.recipe.evaluation.max_new_tokens;
  return data;
}

OrderedJson static_compare_data(const ComparedRun& run, const Json& sweep) {
  OrderedJson data = compare_data(run, sweep);
  std::set<double> measured = {0, run.alpha};
  for (const Json& point : json_list(sweep, "points", "sweep.json")) {
    if (const std::optional<double> alpha = number_in(point, "alpha")) measured.insert(*alpha);
  }
  data["static"] = true;
  data["alpha"]["measured"] = measured;
  data["alpha"]["most"] = *measured.rbegin();
  data["parts"] = OrderedJson::array();
  data["note"] =
      texts_are_redacted() ? "Figures alone: prompts and answers are hidden (--redact)."
      : data["prompts"].empty()
          ? "Figures alone: the run stored no answers."
          : "A sweep keeps figures, no answers. The answers are those that the run stored: of the original, and "
            "at the run's own α. lethe serve shows answers at every α.";
  return data;
}

}  // namespace lethe
