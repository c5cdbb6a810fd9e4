#include "runs/input_check.h"

#include <algorithm>
#include <filesystem>

#include "architectures/decoder_spec.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/regex.h"
#include "data/foreign_files.h"
#include "data/safe_answers.h"
#include "data/sources.h"
#include "evaluation/evaluation_sets.h"
#include "judges/shipped_judges.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"
#include "runs/evaluator.h"
#include "runs/inner_layers.h"
#include "runs/run_judge.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

bool is_plain_path(const std::string& path) {
  return !path.empty() && path != "-" && path.find_first_of("*?[") == std::string::npos &&
         path.find("://") == std::string::npos;
}

// Whether it is NAME:key=…, whose slashes belong to the values: "facts:facts=data/craft.jsonl".
bool is_name_with_settings(const std::string& judge) {
  static const Regex form("^[A-Za-z0-9_-]+:[A-Za-z0-9_]+=");
  return form.found_in(judge);
}

// A judge's file, if its name is that of a file or of a shipped description.
std::string file_of_judge(const std::string& given) {
  const std::string name = judge_path(given);
  if (is_name_with_settings(name)) return "";  // no shipped judge has this name: require_judge() says so
  for (const char* ending : {".yaml", ".yml"}) {
    if (name.ends_with(ending)) return name;
    const std::size_t settings = name.find(std::string(ending) + ":");
    if (settings != std::string::npos) return name.substr(0, settings + std::string(ending).size());
  }
  return name.find('/') != std::string::npos || name.ends_with(".json") ? name : "";
}

bool finds(const std::string& pattern, const std::vector<std::string>& names) {
  const Regex regex(pattern);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return regex.found_in(name); });
}

}  // namespace

std::vector<NamedPath> paths_of(const Recipe& recipe) {
  std::vector<NamedPath> paths = {{"config", recipe.config}, {"data.plan", recipe.data.plan}};
  const auto add = [&](const std::string& name, const std::vector<DataSource>& sources) {
    for (const DataSource& source : sources) paths.push_back({name, source.path});
  };
  add("data.harmful", recipe.data.harmful);
  add("data.normal", recipe.data.normal);
  add("data.train", recipe.data.train);
  add("data.validation", recipe.data.validation);
  if (method_named(recipe.method).safe_answers) {
    const std::vector<std::string>& names = SafeAnswers::names();
    const std::string taught = taught_answers(recipe);
    if (std::find(names.begin(), names.end(), taught) == names.end())
      paths.push_back({"safe.answers", parse_data_source(taught).path});
  }
  if (!asks_judge(recipe)) return paths;
  add("evaluation.other", recipe.evaluation.other);
  add("evaluation.xstest", recipe.evaluation.xstest);
  add("evaluation.choices", recipe.evaluation.choices);
  add("evaluation.text", recipe.evaluation.text);
  for (const std::string& judge : recipe.evaluation.judge) {
    if (run_classifier(judge)) continue;  // models_of() names its encoder
    const std::string file = file_of_judge(judge);
    const bool may_open = file.empty() || fs::exists(file);  // check_paths() reports a file that does not exist
    if (may_open && judge != "none") require_judge(judge, {"classifier", "none"});
    paths.push_back({"evaluation.judge", file});
  }
  return paths;
}

std::vector<NamedPath> models_of(const Recipe& recipe) {
  std::vector<NamedPath> models = {{"model", recipe.model}};
  if (!asks_judge(recipe)) return models;
  models.push_back({"evaluation.bleurt", recipe.evaluation.bleurt});
  models.push_back({"evaluation.embedder", recipe.evaluation.embedder});
  for (const std::string& judge : recipe.evaluation.judge) {
    if (const auto trained = run_classifier(judge)) models.push_back({"evaluation.judge", trained->embedder});
  }
  return models;
}

void check_further_sets(const Recipe& recipe) {
  if (!asks_judge(recipe)) return;
  EvaluationSets sets;
  load_further_sets(recipe.evaluation, sets, nullptr);
}

void check_paths(const std::vector<NamedPath>& models, const std::vector<NamedPath>& paths, const std::string& out) {
  Error error = bad_input("cannot start: some inputs do not exist");
  std::size_t missing = 0;
  const NamedPath* data = nullptr;  // the last of the data files that are missing
  for (const NamedPath& path : paths) {
    std::error_code problem;
    if (!is_plain_path(path.path) || fs::exists(path.path, problem)) continue;
    const bool hidden = problem && problem != std::errc::no_such_file_or_directory;
    error.with(path.name, excerpt(path.path, 1000) + ": " + (hidden ? problem.message() : "no such file"));
    ++missing;
    if (path.name.starts_with("data.") && path.name != "data.plan") data = &path;
  }
  for (const NamedPath& model : models) {
    try {
      if (!model.path.empty()) resolve_model_folder(model.path);
    } catch (const Error&) {
      if (missing == 0) throw;  // its message is better
      error.with(model.name, excerpt(model.path, 1000) + ": no such model");
      data = nullptr;
    }
  }
  const std::string start = "relative paths start at " + fs::current_path().string();
  if (missing == 1 && data != nullptr) {
    try {
      refuse_foreign(data->path, false);  // says how to get a data set of that name from the Hub
    } catch (Error& of_data) {
      throw of_data.with("key", data->name).hint(start);
    }
  }
  if (missing > 0) throw error.hint(start);
  if (!out.empty()) check_parent_folder(out);
}

void check_names_of_weights(const Recipe& recipe, const Checkpoint& base) {
  CausalLM model(decoder_spec(base.config(), (base.folder() / "config.json").string()));  // without weights
  inner_layers(recipe, model.spec());  // objective.layers within the model's
  const bool lora = recipe.tuning == TuningKind::lora;
  std::vector<std::string> names;
  if (lora) {
    names = lora_modules(model, recipe.lora.targets);
  } else {
    for (const Parameter& parameter : model.parameters()) names.push_back(parameter.name);
  }
  if (!lora && !recipe.training.weights.empty() && !finds(recipe.training.weights, names)) {
    throw bad_usage("cannot use this recipe")
        .with("key", "training.weights")
        .wanted("a pattern found in some weight's name, as " + names.back())
        .found(excerpt(recipe.training.weights));
  }
  for (const auto& [pattern, factor] : recipe.negation.factors) {
    if (finds(pattern, names)) continue;
    throw bad_usage("cannot use this recipe")
        .with("key", "negation.factors")
        .wanted("patterns found in some " + std::string(lora ? "adapter's module" : "weight's name") + ", as " +
                names.back())
        .found(excerpt(pattern));
  }
}

}  // namespace lethe
