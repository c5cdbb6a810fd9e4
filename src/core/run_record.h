// The record of a run. Readers and evaluations write to it; a run folder implements it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace lethe {

/// Inputs, facts and omissions of a run, for run.json and the report.
class RunRecord {
 public:
  virtual ~RunRecord() = default;

  /// Records an input file or folder with its size and hashes.
  /// @param role  "harmful", "normal", "judge", …
  /// @param rows  of a data file: how many of its rows are used
  virtual void add_input(const std::string& role, const std::filesystem::path& path,
                         std::optional<std::uint64_t> rows = {}) = 0;
  /// Adds a fact to run.json.
  virtual void note(const std::string& key, OrderedJson value) = 0;
  /// Records a part of the inputs that was not used: "pku.jsonl, line 7: no JSON".
  virtual void leave_out(std::string what) = 0;
  virtual const std::vector<std::string>& left_out() const = 0;
  /// Everything known so far: versions, seed, inputs with their hashes, times, facts.
  virtual OrderedJson describe() const = 0;
  /// The folder of the run's files.
  virtual const std::filesystem::path& path() const = 0;
};

}  // namespace lethe
