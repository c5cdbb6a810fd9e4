// Snapshots of a training run: what it takes to go on to the very same bits after an interrupt or a crash.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "training/adamw.h"

namespace lethe {

struct SnapshotOptions {
  std::filesystem::path folder;  ///< exists, is the run's own; every file in it is readable by its owner alone
  std::int64_t steps = 0;        ///< one every so many steps; 0: by time alone
  double minutes = 0;            ///< one every so many minutes; 0: by steps alone
  /// What the state belongs to, by name: "recipe", "lethe", … A snapshot of another is refused.
  std::map<std::string, std::string> identity;
};

/// A snapshot is two files: step-N.safetensors (trained weights, both moments, step counts) and step-N.json (identity,
/// the guard's running means, a hash of the other file), which is written last: without it a snapshot does not exist.
/// The last two are kept. Random numbers and data positions need no state: they are functions of (seed, step).
class Snapshots {
 public:
  explicit Snapshots(SnapshotOptions options);

  /// Puts the newest whole snapshot into the optimizer and its parameters; a damaged one is reported and passed over.
  /// @param running  the guard's means
  /// @return  steps done so far; 0: there is none
  /// @throws Error (bad input) naming what differs if it belongs to another run, or its tensors have other shapes; or
  ///         naming the file and the key if all of them are damaged
  std::int64_t restore(AdamW& optimizer, std::map<std::string, double>& running);
  /// The newest one's description; empty: there is none.
  std::filesystem::path newest() const;
  /// Whether one is due behind this step (the interval has passed).
  bool due(std::int64_t steps_done) const;
  void save(std::int64_t steps_done, const AdamW& optimizer, const std::map<std::string, double>& running);

 private:
  SnapshotOptions options_;
  std::int64_t saved_ = 0;  // the last step that save() wrote or restore() took: a whole snapshot of it is there
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace lethe
