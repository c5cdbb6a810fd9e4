#include "server/model_source.h"

#include <set>

#include "core/error.h"
#include "core/folder_names.h"
#include "core/json.h"
#include "formats/checkpoint.h"
#include "recipe/recipe.h"
#include "runs/model_card.h"
#include "runs/run_of.h"
#include "runs/stored_recipe.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

bool is_run(const fs::path& folder) {
  return fs::exists(folder / "run.json") && fs::exists(folder / "recipe.yaml");
}

bool is_adapter(const fs::path& folder) {
  return fs::exists(folder / "adapter_config.json");
}

/// What a run warns of in its own files: the model card of θ_bad.
std::string danger_of(const fs::path& folder, const fs::path& run) {
  if (run.empty() || fs::absolute(folder / "").lexically_normal().parent_path().filename() != "harmful") return "";
  const Recipe recipe = load_recipe(run / "recipe.yaml");
  return harmful_card(recipe, folder).summary;
}

/// A folder with weights or an adapter.
ModelSource files_in(const std::string& given) {
  ModelSource source;
  if (!is_adapter(given)) {
    source.checkpoint = given;
    const fs::path folder = resolve_model_folder(given);
    source.run = run_of(folder);
    source.name = public_name(given, folder);
    source.danger = danger_of(folder, source.run);
    return source;
  }
  source.adapters = {given};
  source.run = run_of(given);
  source.danger = danger_of(given, source.run);
  const fs::path config = fs::path(given) / "adapter_config.json";
  source.checkpoint = source.run.empty() ? json_text(read_json(config), "base_model_name_or_path", config.string())
                                         : stored_recipe(source.run).model;
  try {
    resolve_model_folder(source.checkpoint);
  } catch (const Error& error) {
    throw bad_input("cannot find the base of the adapter " + excerpt(given, 300))
        .with("base", excerpt(source.checkpoint, 300))
        .with("reason", excerpt(error.doing(), 300))
        .hint("serve a merged model: lethe merge --base DIR --adapter " + excerpt(given, 300) + " --out DIR");
  }
  source.name = public_name(given, given);
  return source;
}

}  // namespace

ModelSource find_model(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  if (equals != std::string::npos && equals > 0 && !fs::exists(argument)) {
    ModelSource source = find_model(argument.substr(equals + 1));
    source.name = argument.substr(0, equals);
    return source;
  }
  refuse_unfinished(argument, "cannot serve " + excerpt(argument, 300));
  if (!is_run(argument)) return files_in(argument);
  for (const char* made : {"adapter", "model"}) {
    if (fs::exists(fs::path(argument) / made)) return files_in((fs::path(argument) / made).string());
  }
  throw bad_input("cannot serve the run " + excerpt(argument, 300)).wanted("model/ or adapter/ in it").found("neither");
}

void mark_original(ModelSource& source) {
  source.original = true;
  if (source.danger.empty())
    source.danger = "This is the original, as it was before unlearning: the harm was not removed from it.";
}

ModelSource find_original(const std::string& model) {
  ModelSource source = files_in(model);
  source.name = "original";
  mark_original(source);
  return source;
}

void check_names(const std::vector<ModelSource>& sources) {
  std::set<std::string> names;
  for (const ModelSource& source : sources) {
    if (names.insert(source.name).second) continue;
    throw bad_usage("cannot serve two models under one name")
        .with("name", excerpt(source.name, 200))
        .hint("name=MODEL gives another name");
  }
}

}  // namespace lethe
