// A run is a folder: recipe.yaml, metrics.jsonl, run.json, results.json, model/ or adapter/, report.html. It appears
// under its name when it is whole.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/run_record.h"
#include "core/unfinished_folder.h"
#include "recipe/recipe.h"
#include "training/snapshots.h"

namespace lethe {

class RunFolder : public RunRecord {
 public:
  /// @param command  "unlearn", …: named in run.json
  /// @param resume   continues the unfinished run of that name, with its snapshots and metrics
  /// @throws Error (bad input) as UnfinishedFolder
  RunFolder(const Recipe& recipe, std::string command, bool resume = false);
  ~RunFolder() override;

  const std::filesystem::path& path() const override { return folder_.path(); }
  std::filesystem::path metrics() const { return path() / "metrics.jsonl"; }
  std::filesystem::path safe_metrics() const { return path() / "safe.jsonl"; }
  /// The folder for the steps of further rounds (negation.rounds), created if it does not exist.
  std::filesystem::path rounds() const;
  /// A new folder within: "model", "adapter".
  std::filesystem::path make(const std::string& name) const;
  /// Records an input for run.json: path, size, hashes of its bytes and rows used (of a folder: a hash of its file
  /// list, sizes and the ends of each file).
  void add_input(const std::string& role, const std::filesystem::path& path,
                 std::optional<std::uint64_t> rows = {}) override;
  /// Further facts for run.json.
  void note(const std::string& key, OrderedJson value) override { facts_[key] = std::move(value); }
  /// Records a part of the inputs that was not used, for the report: "pku.jsonl, line 7: no JSON".
  void leave_out(std::string what) override { left_out_.push_back(std::move(what)); }
  const std::vector<std::string>& left_out() const override { return left_out_; }
  /// The content of run.json so far: versions, seed, inputs with their hashes, times, facts.
  OrderedJson describe() const override;
  /// The run's snapshots. Call it after all inputs are added: snapshots are bound to the inputs.
  Snapshots snapshots(const TrainingSettings& settings) const;
  void write_results(const OrderedJson& results);
  /// Writes recipe.yaml and run.json, and gives the folder its name.
  /// Of what was written, all but the files that hold times: {"file", "bytes", "hash", "harmful"}. `recipe` is noted
  /// too, so that the run can be repeated (runs/rerun.h).
  void finish(const Recipe& recipe);
  std::string final_path() const { return folder_.final_path().string(); }

 private:
  UnfinishedFolder folder_;
  std::string recipe_;   // YAML, without what changes no result
  std::string results_;  // results.json on one line; empty before it is written
  std::string command_;
  std::uint64_t seed_;
  std::vector<std::string> left_out_;
  OrderedJson facts_ = OrderedJson::object(), inputs_ = OrderedJson::array();
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
};

/// An input for run.json: {"role", "path", "bytes", "hash", "sha256"}, of a folder {"role", "path", "bytes",
/// "files_hash"}.
OrderedJson describe_input(const std::string& role, const std::filesystem::path& path);
/// The hashes of the files that a run wrote, by their names in its folder. @param run  its run.json
/// @param where  that file, for messages. @throws Error (bad input) for another form
std::map<std::string, std::string> output_hashes(const Json& run, const std::string& where);

/// The recipe of an unfinished run. @throws Error (bad input) if there is none
std::filesystem::path unfinished_recipe(const std::filesystem::path& out);

/// Checks without writing that a run can be written to recipe.out: a place for a new folder, no unfinished run with
/// snapshots, or with `resume` one of the same settings. @throws Error (bad input) as RunFolder()
void check_run_place(const Recipe& recipe, bool resume);

}  // namespace lethe
