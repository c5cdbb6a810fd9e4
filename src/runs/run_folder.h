// A run is a folder: recipe.yaml, metrics.jsonl, run.json, results.json, model/ or adapter/, report.html. It appears
// under its name when it is whole.
#pragma once

#include <chrono>
#include <filesystem>
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
  /// @param resume   takes up the unfinished run of that name: its snapshots and metrics stay
  /// @throws Error (bad input) as UnfinishedFolder
  RunFolder(const Recipe& recipe, std::string command, bool resume = false);
  ~RunFolder() override;

  const std::filesystem::path& path() const override { return folder_.path(); }
  std::filesystem::path metrics() const { return path() / "metrics.jsonl"; }
  /// A new folder within: "model", "adapter".
  std::filesystem::path make(const std::string& name) const;
  /// Remembers an input for run.json: path, size and a hash of its bytes (of a folder: of its
  /// file list, sizes and the ends of each file).
  void add_input(const std::string& role, const std::filesystem::path& path) override;
  /// Further facts for run.json.
  void note(const std::string& key, OrderedJson value) override { facts_[key] = std::move(value); }
  /// What of the inputs was not used, for the report: "pku.jsonl, line 7: no JSON".
  void leave_out(std::string what) override { left_out_.push_back(std::move(what)); }
  const std::vector<std::string>& left_out() const override { return left_out_; }
  /// What run.json will hold, as far as it is known: versions, seed, inputs with their hashes, times, facts.
  OrderedJson describe() const override;
  /// The run's snapshots; to be asked for when all inputs are known, since they belong to these inputs.
  Snapshots snapshots(const TrainingSettings& settings) const;
  void write_results(const OrderedJson& results) const;
  /// Writes recipe.yaml and run.json, and gives the folder its name.
  /// Of what was written, all but the files that hold times: {"file", "bytes", "hash", "harmful"}. `recipe` is noted
  /// too, so that the run can be repeated (runs/rerun.h).
  void finish(const Recipe& recipe);
  std::string final_path() const { return folder_.final_path().string(); }

 private:
  UnfinishedFolder folder_;
  std::string recipe_;  // YAML, without what changes no result
  std::string command_;
  std::uint64_t seed_;
  std::vector<std::string> left_out_;
  OrderedJson facts_ = OrderedJson::object(), inputs_ = OrderedJson::array();
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
};

/// An input for run.json: {"role", "path", "bytes", "hash" | "files_hash"}.
OrderedJson describe_input(const std::string& role, const std::filesystem::path& path);

/// The recipe of an unfinished run. @throws Error (bad input) if there is none
std::filesystem::path unfinished_recipe(const std::filesystem::path& out);

/// Prints the settings that decide what a run does, before it starts.
void print_settings(const Recipe& recipe, const std::string& command);

}  // namespace lethe
