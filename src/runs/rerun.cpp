#include "runs/rerun.h"

#include <ATen/Version.h>
#include <torch/version.h>

#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/folder_names.h"
#include "core/json.h"
#include "core/terminal.h"
#include "recipe/recipe.h"
#include "runs/finetune.h"
#include "runs/run_folder.h"
#include "runs/unlearn.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Error no_rerun(const fs::path& run) {
  return bad_input("cannot do " + run.string() + " again");
}

Json read_run(const fs::path& run) {
  if (!fs::exists(run / "run.json")) {
    throw no_rerun(run).wanted("the folder of a finished run").found("no run.json in it");
  }
  Json json = read_json(run / "run.json");
  for (const char* key : {"command", "recipe", "inputs", "outputs", "threads"}) {
    if (!json.is_object() || !json.contains(key)) {
      throw no_rerun(run)
          .wanted("a run.json with \"" + std::string(key) + "\"")
          .found("none: it is of an earlier lethe, or of another command than unlearn and finetune");
    }
  }
  return json;
}

// What is asked of the inputs is what was noted of them: their bytes, hashes and where they lay.
void check_inputs(const fs::path& run, const Json& noted, const std::string& where) {
  Error error = no_rerun(run);
  bool changed = false;
  for (const Json& input : noted) {
    const std::string role = json_text(input, "role", where);
    const fs::path path = json_bytes(input, "path", where);
    if (!fs::exists(path)) {
      error.with("missing", path.string());
      changed = true;
      continue;
    }
    const OrderedJson now = describe_input(role, path);
    const char* key = fs::is_directory(path) ? "files_hash" : "hash";
    if (json_text(input, input.contains("hash") ? "hash" : "files_hash", where) == now.at(key)) continue;
    error.with("changed", path.string() + " (" + excerpt(role) + ")");
    changed = true;
  }
  if (changed) throw error.hint("put the inputs back as they were; relative paths start where the run was started");
}

std::map<std::string, std::string> hashes(const Json& run, const std::string& where) {
  std::map<std::string, std::string> result;
  for (const Json& output : json_list(run, "outputs", where))
    result[json_text(output, "file", where)] = json_text(output, "hash", where);
  return result;
}

// Warns of each difference. @return whether there is one
bool say_what_differs(const Json& before, const Recipe& recipe, const std::string& where) {
  bool any = false;
  const auto note = [&any](const std::string& what, const std::string& then, const std::string& now) {
    any |= then != now;
    if (then != now) warn("the run was made with " + what + " " + then + ", now it is " + now + ": bits may differ");
  };
  const auto then = [&](const char* key) { return before.contains(key) ? json_text(before, key, where) : ""; };
  note("lethe", then("lethe"), LETHE_VERSION);
  note("LibTorch", then("torch"), TORCH_VERSION);
  note("a CPU of the kind", then("cpu"), at::get_cpu_capability());
  if (recipe.device != "cpu" && recipe.device != "auto") {
    warn("on " + recipe.device + " sums are added in no fixed order: bits may differ");
    any = true;
  }
  return any;
}

}  // namespace

void rerun(const RerunRequest& request) {
  const std::string where = (request.run / "run.json").string();
  const Json before = read_run(request.run);
  const std::string command = json_text(before, "command", where);
  Recipe recipe = parse_recipe(json_bytes(before, "recipe", where), where);
  const auto wanted = hashes(before, where);  // a file that is damaged is reported before a day's work
  check_inputs(request.run, json_list(before, "inputs", where), where);
  recipe.out = (request.out.empty() ? free_name(request.run, "-rerun") : request.out).string();
  recipe.threads = json_count(before, "threads", where, 4096);  // sums are shared out among them
  const bool warned = say_what_differs(before, recipe, where);
  if (command == "unlearn") {
    unlearn(recipe);
  } else if (command == "finetune") {
    finetune(recipe);
  } else {
    throw no_rerun(request.run).wanted("a run of unlearn or finetune").found(excerpt(command));
  }

  const fs::path again_json = fs::path(recipe.out) / "run.json";
  const auto found = hashes(read_json(again_json), again_json.string());
  Error error("the rerun of " + request.run.string() + " came out differently");
  bool same = true;
  for (const auto& [file, hash] : wanted) {
    const auto again = found.find(file);
    if (again != found.end() && again->second == hash) continue;
    error.with(again == found.end() ? "missing" : "differs", excerpt(file));
    same = false;
  }
  for (const auto& [file, hash] : found) {
    if (wanted.contains(file)) continue;
    error.with("new", file);
    same = false;
  }
  if (!same)
    throw error.hint("compare " + recipe.out + " with the run" +
                     (warned ? "; what may change bits was said above" : ""));
  say("same bits: " + std::to_string(wanted.size()) + " files of " + recipe.out + " are those of " +
      request.run.string());
}

}  // namespace lethe
