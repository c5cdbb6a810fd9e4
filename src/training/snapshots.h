// Snapshots of a training run: the state needed to resume it, bit for bit, after an interrupt or a crash.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "objectives/objective.h"
#include "training/adamw.h"

namespace lethe {

struct SnapshotOptions {
  std::filesystem::path folder;  ///< exists, belongs to the run; its files are readable only by their owner
  std::int64_t steps = 0;        ///< steps between snapshots; 0: by time only
  double minutes = 0;            ///< minutes between snapshots; 0: by steps only
  /// What the state belongs to, by name: "recipe", "lethe", … A snapshot with another identity is refused.
  std::map<std::string, std::string> identity;
};

/// Ranks of which each holds a part of the optimizer's state. A snapshot holds all of it, so that any number of ranks
/// can go on from it. Entries are those of AdamW::state(). Rank 0 calls this while the others serve (ServingGroup).
class StateOfRanks {
 public:
  virtual ~StateOfRanks() = default;
  virtual std::vector<std::int64_t> shape(std::size_t entry) const = 0;
  /// The whole tensor, on the host.
  virtual at::Tensor gather(std::size_t entry) = 0;
  /// Gives each rank its part. @param whole  on the host
  virtual void scatter(std::size_t entry, const at::Tensor& whole) = 0;
  /// Call it when all entries are scattered.
  virtual void scattered() = 0;
};

/// A snapshot is two files: step-N.safetensors (trained weights, both moments, step counts, the objective's state) and
/// step-N.json (identity, the guard's running means, a hash of the other file), which is written last: without it a
/// snapshot does not exist. The last two are kept, and those of the steps that keep() names. Random numbers and data
/// positions need no state: they are functions of (seed, step).
class Snapshots {
 public:
  explicit Snapshots(SnapshotOptions options);

  /// Restores the optimizer and its parameters from the newest whole snapshot. Damaged ones are reported and skipped.
  /// @param running    the guard's means
  /// @param objective  Objective::state(), overwritten
  /// @return  steps done so far; 0: there is none
  /// @throws Error (bad input) naming what differs if it belongs to another run, or its tensors have other shapes; or
  ///         naming the file and the key if all of them are damaged
  std::int64_t restore(AdamW& optimizer, std::map<std::string, double>& running, const NamedTensors& objective = {});
  /// From now on the state is that of several ranks; null: of this process.
  void hold_state_of(StateOfRanks* ranks) { ranks_ = ranks; }
  /// Snapshots of the same run's next training, in a folder within this one's, which is created.
  Snapshots within(const std::string& name) const;
  const std::filesystem::path& folder() const { return options_.folder; }
  /// Path of the newest snapshot's description; empty: there is none.
  std::filesystem::path newest() const;
  /// Whether a snapshot is due after this step (the interval has passed).
  bool due(std::int64_t steps_done) const;
  void save(std::int64_t steps_done, const AdamW& optimizer, const std::map<std::string, double>& running,
            const NamedTensors& objective = {});
  /// From now on save() does not remove the snapshots of these steps.
  void keep(std::set<std::int64_t> steps) { keep_ = std::move(steps); }
  /// Sets the optimizer and its parameters to the state after a step that was kept.
  /// @param objective  Objective::state(), overwritten
  /// @throws Error (bad input) if its snapshot is missing, damaged or of another run
  void load(std::int64_t step, AdamW& optimizer, const NamedTensors& objective = {}) const;

 private:
  SnapshotOptions options_;
  StateOfRanks* ranks_ = nullptr;
  std::set<std::int64_t> keep_;
  std::int64_t saved_ = 0;  // the last step that save() wrote or restore() read; its snapshot is whole
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace lethe
