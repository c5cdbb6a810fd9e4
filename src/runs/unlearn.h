// The main job: takes a model, and writes one that has forgotten the harm.
#pragma once

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

/// Trains by the recipe's method (SKU: stage 1 teaches a copy the harm), applies the task vector with α (SKU: stage 2
/// subtracts it), and evaluates the original and the result. Writes a run folder.
/// @param resume   continues the unfinished run of recipe.out, to the same bits as an uninterrupted run
/// @param dry_run  checks everything and prints the plan instead
/// @throws Error as its parts do; nothing is written then
void unlearn(const Recipe& recipe, bool resume = false, const DryRun& dry_run = {});

}  // namespace lethe
