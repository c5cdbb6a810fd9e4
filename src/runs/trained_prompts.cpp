#include "runs/trained_prompts.h"

#include <filesystem>
#include <set>
#include <system_error>

#include "core/error.h"
#include "core/file_hash.h"
#include "core/json.h"
#include "data/folders.h"
#include "data/plan.h"
#include "data/splits.h"
#include "models/loading.h"
#include "runs/run_folder.h"
#include "runs/run_of.h"
#include "runs/stored_recipe.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Somebody else may have written the run: no pipe, device or server is read for it. And a file that has changed since
// no longer says what was trained on.
void check_file(const fs::path& file, const Json& run) {
  const std::string name = excerpt(file.string(), 300);
  if (!fs::is_regular_file(file)) throw bad_input("cannot read " + name).wanted("a file").found("none");
  const std::string hash = file_hash(file);
  bool recorded = false;
  for (const Json& input : json_list(run, "inputs", "run.json")) {
    if (!input.is_object() || !input.contains("hash")) continue;
    if (json_text(input, "hash", "run.json") == hash) return;
    recorded |= input.contains("path") && input["path"].is_string() &&
                fs::path(input["path"].get<std::string>()).filename() == file.filename();
  }
  throw bad_input("cannot use " + name)
      .wanted("the file that the run read")
      .found(recorded ? "one that has changed since" : "one that the run does not list");
}

void add(std::vector<Question>& prompts, const std::vector<Pair>& pairs) {
  const std::vector<Question> questions = questions_of(pairs);
  prompts.insert(prompts.end(), questions.begin(), questions.end());
}

// The training part of one role's data, as load_run_data() splits it.
void add_training(const Recipe& recipe, const std::vector<DataSource>& given, Role role, const Json& run,
                  std::vector<Question>& prompts) {
  if (given.empty()) return;
  for (const DataSource& source : given) {
    if (source.path.find("://") != std::string::npos)
      throw bad_input("cannot read " + excerpt(source.path, 300)).wanted("a file").found("an address");
  }
  const std::vector<DataSource> sources = expand_sources(given);
  for (const DataSource& source : sources) check_file(source.path, run);
  add(prompts, split_pairs(load_pairs(sources, role).pairs, recipe.data.split, recipe.seed).train);
}

std::vector<Question> trained_by(const Recipe& recipe, const Json& run) {
  std::vector<Question> prompts;
  add_training(recipe, recipe.data.harmful, Role::harmful, run, prompts);
  add_training(recipe, recipe.data.normal, Role::normal, run, prompts);
  if (recipe.data.plan.empty()) return prompts;
  check_file(recipe.data.plan, run);
  for (const StepRows& rows : load_plan(recipe.data.plan)) {
    add(prompts, rows.harmful);
    add(prompts, rows.normal);
  }
  return prompts;
}

// Whether a folder has the files of the model that a run began with, or is that folder.
bool is_base(const fs::path& folder, const Json& run) {
  for (const Json& input : json_list(run, "inputs", "run.json")) {
    if (!input.is_object() || input.value("role", "") != "model") continue;
    if (input.value("files_hash", "") == describe_input("model", folder).value("files_hash", "none")) return true;
    std::error_code none;
    if (fs::equivalent(input.value("path", ""), folder, none)) return true;
  }
  return false;
}

}  // namespace

RunTraining training_of_runs(const std::vector<std::string>& written, const std::string& original) {
  RunTraining training;
  const fs::path compared = original.empty() ? fs::path() : resolve_model_folder(original);
  std::vector<std::string> todo = written;
  std::set<fs::path> seen;
  bool fits = compared.empty();
  std::string first;  // the run that wrote the first of the folders
  for (std::size_t i = 0; i < todo.size(); ++i) {
    const fs::path folder = run_of(without_weight(todo[i]));
    if (folder.empty() || !seen.insert(folder).second) continue;
    const std::string name = excerpt(folder.string(), 300);
    try {
      const Json run = read_json(folder / "run.json");
      if (json_text(run, "command", "run.json") != "unlearn") continue;
      const Recipe recipe = stored_recipe(folder);
      if (first.empty()) first = name;
      todo.push_back(recipe.model);
      fits = fits || is_base(compared, run);
      const std::vector<Question> prompts = trained_by(recipe, run);
      training.prompts.insert(training.prompts.end(), prompts.begin(), prompts.end());
    } catch (const std::exception& error) {
      const auto* known = dynamic_cast<const Error*>(&error);
      training.cautions.push_back("whether the run " + name + " trained on these prompts could not be checked: " +
                                  excerpt(known != nullptr ? known->doing() : error.what(), 400));
    }
  }
  if (!fits && !first.empty())
    training.cautions.push_back("the original is not the model that the run " + first +
                                " began with: the differences are not those of unlearning (--original)");
  return training;
}

}  // namespace lethe
