#include "runs/stored_recipe.h"

#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Empty if the run does not say it.
fs::path started_in(const fs::path& run) {
  try {
    const Json facts = read_json(run / "run.json");
    return facts.is_object() && facts.contains("directory") ? json_bytes(facts, "directory", "run.json") : "";
  } catch (const Error&) {  // missing or damaged: paths stay as they are
    return {};
  }
}

// The part of a path before a pattern: "data" of "data/*.jsonl".
fs::path before_pattern(fs::path path) {
  while (path.string().find_first_of("*?[") != std::string::npos) path = path.parent_path();
  return path;
}

}  // namespace

Recipe stored_recipe(const fs::path& run) {
  Recipe recipe = load_recipe(run / "recipe.yaml");
  const fs::path started = started_in(run);
  if (started.empty()) return recipe;
  const auto find = [&](std::string& given) {
    std::error_code none;
    const fs::path path = before_pattern(given);
    if (path.empty() || path.is_absolute() || fs::exists(path, none) || !fs::exists(started / path, none)) return;
    given = (started / given).lexically_normal().string();
  };
  EvaluationSettings& evaluation = recipe.evaluation;
  for (std::string* path : {&recipe.model, &recipe.config, &recipe.data.plan, &evaluation.bleurt, &evaluation.embedder})
    find(*path);
  for (auto* sources : {&recipe.data.harmful, &recipe.data.normal, &recipe.data.train, &recipe.data.validation,
                        &evaluation.other, &evaluation.xstest, &evaluation.choices, &evaluation.text}) {
    for (DataSource& source : *sources) find(source.path);
  }
  for (std::string& judge : evaluation.judge) {  // "guard.yaml:model=DIR"
    std::string file = judge.substr(0, judge.find(':'));
    const std::string settings = judge.substr(file.size());
    find(file);
    judge = file + settings;
  }
  return recipe;
}

}  // namespace lethe
