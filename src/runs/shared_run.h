// A run on several ranks: what cannot be shared, and how the ranks agree on what they train.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/run_record.h"
#include "data/pairs.h"
#include "ranks/group.h"
#include "ranks/serving_group.h"
#include "recipe/recipe.h"
#include "runs/dry_run.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"
#include "tensors/device.h"
#include "training/loop.h"

namespace lethe {

/// The recipe's device; of several ranks on one machine each takes the GPU of its own number.
/// @param group  null: this process runs alone
Compute compute_of_rank(const Recipe& recipe, const Group* group);

/// How many processes compute a run, or would (--dry-run --ranks).
struct RankCount {
  std::int64_t all = 1;
  std::int64_t on_one_host = 1;  ///< share this machine's memory
};
/// @param group  null: this process runs alone
RankCount rank_count(const Group* group, const DryRun& dry_run);

/// Checks that this many ranks can share the steps of the recipe. Warns if some would be idle at times.
/// @throws Error (usage) if a step has fewer micro-batches than there are ranks, or objective.gru needs them all in one
///         process
void check_shareable(const Recipe& recipe, std::int64_t ranks);

/// Checks that training.shard works with the recipe's other settings, if it is on.
/// @throws Error (usage) naming the setting that needs the whole model in one process
void check_shardable(const Recipe& recipe);
/// Turns training.recompute on where training.shard implies it: a layer's matrices are gone when its gradients come.
Recipe with_recomputing(Recipe recipe);
/// The group of a run with training.shard, through which its ranks also serve one another the layers' matrices; null:
/// every rank holds them all. @param group  outlives it; may be null
std::unique_ptr<ServingGroup> serving_group(const Recipe& recipe, Group* group);

/// ", exchange between ranks 0.02 s of a step's 2.57 s"; empty for one process.
std::string exchange_text(const Pace& pace);

/// What must be equal in all ranks, by name: program, model, rows, threads.
OrderedJson facts_of_rank(const StoredModel& original, const RunData& data);
/// The same of finetune(). @param model  folder of the model or of its configuration
OrderedJson facts_of_rank(const std::filesystem::path& model, const std::vector<Pair>& pairs);

/// Rank 0: its checks have passed and the run folder is locked, so the others may begin. Waits until they have read
/// their inputs.
/// @param recipe  with all decisions, for the others
/// @param facts   facts_of_rank()
/// @param run     notes the number of ranks
/// @throws Error (bad input) naming a rank whose facts differ
void announce_start(Group& group, const Recipe& recipe, const OrderedJson& facts, RunRecord* run);
/// Other ranks: waits for announce_start(), before any work. @return rank 0's recipe
Recipe await_start(Group& group);
/// Other ranks, after reading their inputs. @throws Error if the facts of a rank differ
void confirm_start(Group& group, const OrderedJson& facts);

}  // namespace lethe
