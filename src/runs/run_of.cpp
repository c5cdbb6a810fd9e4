#include "runs/run_of.h"

#include <algorithm>
#include <system_error>

#include "core/error.h"
#include "core/messages.h"
#include "data/sources.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"
#include "recipe/recipe.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// The run that has this folder, if that is what a run writes.
fs::path run_above(fs::path folder) {
  if (folder.filename().empty()) folder = folder.parent_path();  // a slash at the end
  const std::string name = folder.filename().string();
  if (name != "model" && name != "adapter" && name != "harmful") return {};
  const fs::path run = folder.parent_path();
  return fs::exists(run / "run.json") && fs::exists(run / "recipe.yaml") ? run : fs::path();
}

}  // namespace

fs::path run_of(const fs::path& written) {
  if (fs::path run = run_above(fs::absolute(written).lexically_normal()); !run.empty()) return run;
  std::error_code none;
  const fs::path real = fs::weakly_canonical(written, none);
  return none ? fs::path() : run_above(real);
}

fs::path without_weight(const std::string& adapter) {
  return fs::exists(adapter) ? adapter : adapter.substr(0, adapter.rfind(':'));  // FOLDER:0.5
}

std::shared_ptr<const SafeAnswers> answers_taught_by_runs(const std::vector<std::string>& written) {
  for (const std::string& one : written) {
    const fs::path run = run_of(without_weight(one));
    if (run.empty()) continue;
    try {
      const Recipe recipe = load_recipe(run / "recipe.yaml");
      if (!method_named(recipe.method).safe_answers) continue;
      const std::string taught = taught_answers(recipe);
      if (taught == "mismatch") continue;  // normal answers, which are no refusals
      const std::vector<std::string>& names = SafeAnswers::names();
      const bool named = std::find(names.begin(), names.end(), taught) != names.end();
      // Somebody else may have written the run: no pipe or device is read for it.
      if (!named && !fs::is_regular_file(parse_data_source(taught).path))
        throw bad_input("cannot read " + excerpt(taught, 200)).wanted("a file").found("none");
      return std::make_shared<const SafeAnswers>(taught);
    } catch (const Error& error) {
      warn("the safe answers that the run " + excerpt(run.string(), 300) +
           " taught do not count as refusals: " + excerpt(error.doing(), 300));
    }
  }
  return nullptr;
}

}  // namespace lethe
