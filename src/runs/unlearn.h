// The main job: takes a model, and writes one that has forgotten the harm.
#pragma once

#include <filesystem>
#include <functional>

#include "evaluation/robustness.h"
#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

class Group;

/// Attacks on the result (evaluation.attacks). They stand on runs, so they are handed in: attacks/run_attacks.h.
struct RunAttacks {
  /// Before any work. @throws Error if an attack is unknown, or the data have no rows for it
  std::function<void(const Recipe& recipe)> check;
  /// @param run  the unfinished run's folder, with its model or adapter
  std::function<Robustness(const Recipe& recipe, const std::filesystem::path& run)> run;
};

/// Trains by the recipe's method (SKU: stage 1 teaches a copy the harm), applies the task vector with α (SKU: stage 2
/// subtracts it), and evaluates the original and the result. Writes a run folder.
/// @param resume   continues the unfinished run of recipe.out, to the same bits as an uninterrupted run
/// @param dry_run  checks everything and prints the plan instead
/// @param attacks  used if attacks_result(recipe)
/// @param group    the ranks that share the steps of stage 1 (runs/shared_run.h); null: this process does all. Rank 0
///                 alone reads and writes the run folder, evaluates and chooses α; the others return after stage 1
/// @throws Error as its parts do; nothing is written then
void unlearn(const Recipe& recipe, bool resume = false, const DryRun& dry_run = {}, const RunAttacks& attacks = {},
             Group* group = nullptr);

/// What a rank that is not 0 does while rank 0 is in unlearn(): its share of the steps of stage 1, by rank 0's recipe.
void unlearn_as_rank(Group& group);

}  // namespace lethe
