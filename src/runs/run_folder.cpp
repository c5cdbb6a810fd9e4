#include "runs/run_folder.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/file_hash.h"
#include "core/files.h"
#include "core/folder_names.h"
#include "core/mapped_file.h"
#include "core/numbers.h"
#include "core/output_place.h"
#include "core/random.h"
#include "core/terminal.h"
#include "core/utc_time.h"
#include "recipe/recipe_changes.h"
#include "recipe/recipe_yaml.h"
#include "runs/evaluator.h"
#include "runs/methods.h"
#include "runs/sha256.h"
#include "tensors/device.h"
#include "training/event_file.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Hash of the first and the last 64 KiB: a folder may hold many gigabytes.
std::string hash_of_ends(const fs::path& path) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  constexpr std::size_t kEnd = 1 << 16;
  const std::string_view last = bytes.size() > kEnd ? bytes.substr(bytes.size() - kEnd) : std::string_view();
  return hex_text(stable_hash(last, stable_hash(bytes.substr(0, kEnd))));
}

constexpr const char *kSnapshots = "snapshots", *kAttacks = "attacks", *kRounds = "rounds";

// The files that a repeated run must reproduce: all without times, except its inputs.
OrderedJson outputs_in(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    const bool timed = name == "metrics.jsonl" || name == "safe.jsonl" || name == "repair.jsonl" ||
                       name == "report.html" || name == "run.json" || name == "results_lm_eval.json" ||
                       is_event_file(entry.path().filename().string());
    if (entry.is_regular_file() && !timed && name != "recipe.yaml" && !name.starts_with(".") &&
        !name.starts_with(kSnapshots) && !name.starts_with(kAttacks) && !name.starts_with(kRounds))
      files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  OrderedJson outputs = OrderedJson::array();
  for (const std::string& name : files) {
    OrderedJson entry = {{"file", name}, {"bytes", fs::file_size(folder / name)}, {"hash", file_hash(folder / name)}};
    if (name.starts_with("harmful/")) entry["harmful"] = true;
    outputs.push_back(std::move(entry));
  }
  return outputs;
}

// The recipe without the settings that may change when a run continues: where it runs, and everything after training
// (the user may raise a budget that no α met, or replace a judge that failed). With patience the evaluations decide
// when training ends, so what they depend on must stay the same. Rounds of negation train from a negated model.
Recipe settings_of_training(Recipe recipe) {
  const bool several = rounds_of(recipe) > 1;
  recipe.out = "";
  recipe.logging.clear();
  recipe.device = "";
  recipe.threads = 0;
  const NegationSettings negation = std::exchange(recipe.negation, {});
  const EvaluationSettings evaluation = std::exchange(recipe.evaluation, {});
  if (recipe.training.patience > 0) {
    recipe.negation.alpha = negation.alpha;
    recipe.negation.kl_budget = negation.kl_budget;
    recipe.negation.factors = negation.factors;
    recipe.negation.rank = negation.rank;
    recipe.evaluation.judge = evaluation.judge;
    recipe.evaluation.other = evaluation.other;  // a judge that the run trains does not learn from them
    recipe.evaluation.threshold = evaluation.threshold;
    recipe.evaluation.prompts = evaluation.prompts;
    recipe.evaluation.max_new_tokens = evaluation.max_new_tokens;
    recipe.evaluation.every = evaluation.every;
    recipe.evaluation.every_prompts = evaluation.every_prompts;
    recipe.evaluation.overlap = evaluation.overlap;
  }
  if (several) {
    recipe.negation.rounds = negation.rounds;
    recipe.negation.relearn = negation.relearn;
    recipe.negation.alpha = negation.alpha;
    recipe.negation.kl_budget = negation.kl_budget;
  }
  recipe.keep_harmful = false;
  return recipe;
}

// Whether a training depends on an input of this role. A run may continue with other files of its final evaluation.
bool belongs_to_training(const std::string& role, const TrainingSettings& training) {
  static const std::set<std::string> final_evaluation = {"text", "xstest", "choices"},
                                     validation = {"judge", "other harmful"};
  return !final_evaluation.contains(role) && (training.patience > 0 || !validation.contains(role));
}

// A snapshot is valid only for the settings of its training. Changed ones are refused by key, before any work.
void refuse_changes(const fs::path& unfinished, const Recipe& recipe) {
  const Recipe before = load_recipe(unfinished);
  const auto changes = recipe_changes(settings_of_training(before), settings_of_training(recipe));
  if (changes.empty()) return;
  Error error = bad_input("cannot continue " + recipe.out + " with another recipe");
  for (const RecipeChange& change : changes)
    error.with(change.key,
               excerpt(change.before, 200) + " in the unfinished run, " + excerpt(change.after, 200) + " now");
  if (recipe.training.patience > 0)
    throw error.with("may change", "what the evaluations during training do not depend on")
        .hint("they decide when training ends (training.patience): start anew under another --out");
  const std::string negation = rounds_of(recipe) > 1 ? "" : "negation.*, ";  // rounds train from a negated model
  throw error.with("may change", negation + "evaluation.*, keep_harmful, logging, device, threads")
      .hint("continue with the values of the unfinished run, or start anew under another --out");
}

// Whether the folder has a complete snapshot (its description is written last).
bool holds_snapshot(const fs::path& folder) {
  return fs::is_directory(folder) && !Snapshots({.folder = folder}).newest().empty();
}

}  // namespace

RunFolder::RunFolder(const Recipe& recipe, std::string command, bool resume)
    : folder_(recipe.out, resume ? UnfinishedFolder::Start::resume : UnfinishedFolder::Start::fresh, kSnapshots),
      command_(std::move(command)),
      seed_(recipe.seed) {
  const fs::path recipe_file = path() / "recipe.yaml";
  const bool continues = resume && holds_snapshot(path() / kSnapshots);  // a run without one starts anew
  if (continues && fs::exists(recipe_file)) refuse_changes(recipe_file, recipe);
  // Keys that are newer than the unfinished run are left out, so that its snapshots stay valid.
  const Recipe settings = settings_of_training(recipe);
  recipe_ =
      continues && fs::exists(recipe_file) ? to_yaml_with_keys_of(settings, read_file(recipe_file)) : to_yaml(settings);
  // Unfinished results are removed. Snapshots, metrics, the recipe of the training and finished attacks stay.
  for (const auto& entry : fs::directory_iterator(path())) {
    const std::string name = entry.path().filename().string();
    const bool kept_attacks = name == kAttacks && attacks_result(recipe);
    if (name != kSnapshots && !kept_attacks && name != "metrics.jsonl" && name != "safe.jsonl" && name != kRounds &&
        name != "recipe.yaml" && !name.starts_with("."))
      fs::remove_all(entry.path());
  }
  if (!continues) write_file(recipe_file, to_yaml(recipe));
}

RunFolder::~RunFolder() {
  // Part of the error that ends the run, so it is printed with --quiet too.
  try {
    if (folder_.holds_precious())
      print_failure("what was trained so far is kept; lethe " + command_ + " --resume " + excerpt(final_path(), 1000) +
                    " continues it with the same settings");
  } catch (...) {  // an observer's exception must not replace the error that ends the run
  }
}

Snapshots RunFolder::snapshots(const TrainingSettings& settings) const {
  fs::create_directory(path() / kSnapshots);
  if (fs::is_symlink(path() / kSnapshots))
    throw bad_input("cannot write to " + (path() / kSnapshots).string()).found("a link").hint("remove it");
  SnapshotOptions options{
      .folder = path() / kSnapshots,
      .steps = settings.snapshot_steps,
      .minutes = settings.snapshot_minutes,
      .identity = {{"lethe", LETHE_VERSION}, {"command", command_}, {"recipe", hex_text(stable_hash(recipe_))}}};
  for (const OrderedJson& input : inputs_) {
    const auto role = input.at("role").get<std::string>();
    if (!belongs_to_training(role, settings)) continue;
    options.identity[role + " " + input.at("path").get<std::string>()] =
        input.contains("hash") ? input.at("hash").get<std::string>() : input.at("files_hash").get<std::string>();
  }
  return Snapshots(std::move(options));
}

fs::path RunFolder::rounds() const {
  fs::create_directory(path() / kRounds);
  if (fs::is_symlink(path() / kRounds))
    throw bad_input("cannot write to " + (path() / kRounds).string()).found("a link").hint("remove it");
  return path() / kRounds;
}

fs::path unfinished_recipe(const fs::path& out) {
  complete_commit(out, kSnapshots);
  const fs::path recipe = unfinished_name(out) / "recipe.yaml";
  if (fs::exists(recipe)) return recipe;
  Error error = bad_input("cannot continue " + out.string());
  if (fs::exists(out / "run.json")) throw error.found("a run that is finished");
  const std::string name = out.string(), ending = ".unfinished";
  if (name.ends_with(ending) && fs::exists(out / "recipe.yaml"))
    error.hint("--resume " + name.substr(0, name.size() - ending.size()));
  throw error.found("no unfinished run, " + unfinished_name(out).string());
}

fs::path RunFolder::make(const std::string& name) const {
  fs::create_directory(path() / name);
  return path() / name;
}

void RunFolder::add_input(const std::string& role, const fs::path& path, std::optional<std::uint64_t> rows) {
  inputs_.push_back(describe_input(role, path));
  if (rows) inputs_.back()["rows"] = *rows;
}

std::map<std::string, std::string> output_hashes(const Json& run, const std::string& where) {
  std::map<std::string, std::string> result;
  for (const Json& output : json_list(run, "outputs", where))
    result[json_text(output, "file", where)] = json_text(output, "hash", where);
  return result;
}

OrderedJson describe_input(const std::string& role, const fs::path& input) {
  OrderedJson entry = {{"role", role}};
  put_bytes(entry, "path", input.string());
  if (fs::is_directory(input)) {
    std::vector<std::string> files;
    std::uint64_t bytes = 0;
    for (const auto& file : fs::directory_iterator(input)) {
      if (!file.is_regular_file()) continue;
      files.push_back(file.path().filename().string() + " " + std::to_string(file.file_size()) + " " +
                      hash_of_ends(file.path()));
      bytes += file.file_size();
    }
    std::sort(files.begin(), files.end());
    std::string list;
    for (const std::string& file : files) list += file + "\n";
    entry["bytes"] = bytes;
    entry["files_hash"] = hex_text(stable_hash(list));
  } else {
    const MappedFile file(input);  // of a pipe: what it sent
    entry["hash"] = file_hash(input);
    entry["sha256"] = sha256_of_file(input);
    entry["bytes"] = file.bytes().size();
  }
  return entry;
}

void RunFolder::write_results(const OrderedJson& results) {
  write_file(path() / "results.json", dump_json(results, 2) + "\n");
  results_ = dump_json(results);
}

OrderedJson RunFolder::describe() const {
  const auto now = std::chrono::system_clock::now();
  OrderedJson run = {{"command", command_},
                     {"lethe", LETHE_VERSION},
                     {"torch", TORCH_VERSION},
                     {"started", utc_time(start_)},
                     {"finished", utc_time(now)},
                     {"seconds", std::chrono::duration<double>(now - start_).count()},
                     {"seed", seed_},
                     {"threads", at::get_num_threads()},
                     {"cpu", at::get_cpu_capability()},
                     {"directory", fs::current_path().string()},
                     {"peak_rss_bytes", peak_resident_bytes()},
                     {"inputs", inputs_}};
  if (const std::uint64_t bytes = peak_device_bytes(); bytes > 0) run["peak_device_bytes"] = bytes;
  for (const auto& [key, value] : facts_.items()) run[key] = value;
  return run;
}

void RunFolder::finish(const Recipe& recipe) {
  OrderedJson run = describe();
  put_bytes(run, "recipe", to_yaml(recipe));
  run["outputs"] = outputs_in(path());
  write_file(path() / "run.json", dump_json(run, 2) + "\n");
  write_file(path() / "recipe.yaml", to_yaml(recipe));
  folder_.commit();
  say_wrote(final_path(), "", results_);
}

void check_run_place(const Recipe& recipe, bool resume) {
  const fs::path out = recipe.out;
  checked_output_folder(out);
  check_parent_folder(out);
  const fs::path unfinished = unfinished_name(out), snapshots = unfinished / kSnapshots;
  std::error_code ignored;
  if (resume && fs::exists(unfinished / "recipe.yaml", ignored) && holds_snapshot(snapshots))
    refuse_changes(unfinished / "recipe.yaml", recipe);
  if (resume || !fs::is_directory(snapshots, ignored) || fs::is_empty(snapshots, ignored)) return;
  throw bad_input("cannot write to " + out.string())
      .found("an unfinished run, " + unfinished.string())
      .hint("continue it: --resume " + out.string() + "; or remove it, or name another --out");
}

}  // namespace lethe
