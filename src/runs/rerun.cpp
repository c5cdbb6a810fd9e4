#include "runs/rerun.h"

#include <ATen/Version.h>
#include <torch/version.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/file_hash.h"
#include "core/folder_names.h"
#include "core/join.h"
#include "core/json.h"
#include "core/terminal.h"
#include "recipe/recipe.h"
#include "runs/finetune.h"
#include "runs/run_folder.h"
#include "runs/unlearn.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Error no_rerun(const fs::path& run) {
  return bad_input("cannot repeat " + run.string());
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

// The inputs must have the paths, sizes and hashes that run.json recorded.
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

// Warns of each difference in version or machine. @return whether there is one
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

// Whether `now` holds everything of `before`, with the same values. @param added  gets the keys that only `now` has
bool holds(const Json& now, const Json& before, const std::string& path, std::vector<std::string>& added) {
  if (!now.is_object() || !before.is_object()) return now == before;
  for (const auto& [key, value] : before.items()) {
    if (!now.contains(key) || !holds(now.at(key), value, path + key + ".", added)) return false;
  }
  for (const auto& [key, value] : now.items()) {
    if (!before.contains(key)) added.push_back(path + key);
  }
  return true;
}

// Whether only keys were added to results.json since a run whose file is still the one that it recorded.
bool only_keys_added(const fs::path& run, const std::string& hash, const fs::path& again,
                     std::vector<std::string>& newer) {
  const fs::path before = run / "results.json";
  std::error_code none;
  if (!fs::is_regular_file(before, none) || file_hash(before) != hash) return false;
  std::vector<std::string> added;
  if (!holds(read_json(again / "results.json"), read_json(before), "", added)) return false;
  for (const std::string& key : added) newer.push_back(excerpt(key) + " in results.json");
  return true;
}

}  // namespace

OutputDifferences compare_outputs(const fs::path& run, const fs::path& again) {
  const auto text_of = [](const fs::path& folder) { return (folder / "run.json").string(); };
  const Json first = read_json(run / "run.json"), second = read_json(again / "run.json");
  const auto wanted = output_hashes(first, text_of(run)), found = output_hashes(second, text_of(again));
  const bool other_version = first.value("lethe", Json()) != second.value("lethe", Json());
  const auto may_be_new = [&](const std::string& file) {
    const std::string name = fs::path(file).filename().string();
    return other_version && (name == "README.md" || name == "results_lm_eval.json");
  };
  OutputDifferences result;
  for (const auto& [file, hash] : wanted) {
    const auto other = found.find(file);
    if (other != found.end() && other->second == hash) {
      ++result.equal;
    } else if (other == found.end()) {
      result.differing.emplace_back("missing", file);
    } else if (may_be_new(file)) {
      result.newer.push_back(file);
    } else if (!other_version || file != "results.json" || !only_keys_added(run, hash, again, result.newer)) {
      result.differing.emplace_back("differs", file);
    }
  }
  for (const auto& [file, hash] : found) {
    if (wanted.contains(file)) continue;
    if (may_be_new(file)) {
      result.newer.push_back(file);
    } else {
      result.differing.emplace_back("new", file);
    }
  }
  return result;
}

void rerun(const RerunRequest& request, const RunAttacks& attacks) {
  const std::string where = (request.run / "run.json").string();
  const Json before = read_run(request.run);
  const std::string command = json_text(before, "command", where);
  Recipe recipe = parse_recipe(json_bytes(before, "recipe", where), where);
  output_hashes(before, where);  // a file that is damaged is reported before a day's work
  check_inputs(request.run, json_list(before, "inputs", where), where);
  recipe.out = (request.out.empty() ? free_name(request.run, "-rerun") : request.out).string();
  recipe.threads = json_count(before, "threads", where, 4096);  // sums are shared out among them
  // A run on a CPU whose recipe still says auto computed in float32.
  if (choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads)).device.is_cpu() &&
      recipe.dtype == ComputeType::automatic)
    recipe.dtype = ComputeType::float32;
  recipe.evaluation.cache = false;  // everything is computed again
  const bool warned = say_what_differs(before, recipe, where);
  if (command == "unlearn") {
    unlearn(recipe, /*resume=*/false, /*dry_run=*/{}, attacks);
  } else if (command == "finetune") {
    finetune(recipe);
  } else {
    throw no_rerun(request.run).wanted("a run of unlearn or finetune").found(excerpt(command));
  }

  const OutputDifferences found = compare_outputs(request.run, recipe.out);
  if (!found.newer.empty()) say("this version also writes, which is not compared: " + join(found.newer, ", "));
  if (!found.differing.empty()) {
    Error error("the rerun of " + request.run.string() + " came out differently");
    for (const auto& [what, file] : found.differing) error.with(what, excerpt(file));
    throw error.hint("compare " + recipe.out + " with the run" + (warned ? "; see the warnings above" : ""));
  }
  say("same bits: " + std::to_string(found.equal) + " files of " + recipe.out + " are those of " +
      request.run.string());
}

}  // namespace lethe
