// The main job: takes a model, and writes one that has forgotten the harm.
#pragma once

#include <filesystem>
#include <functional>

#include "evaluation/robustness.h"
#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

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
/// @throws Error as its parts do; nothing is written then
void unlearn(const Recipe& recipe, bool resume = false, const DryRun& dry_run = {}, const RunAttacks& attacks = {});

}  // namespace lethe
