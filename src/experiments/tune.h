// `lethe tune`: finds settings on validation prompts under constraints, and measures the best once on test prompts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

struct TuneRequest {
  Recipe recipe;                   ///< the first trial; each other trial changes some of its keys
  std::filesystem::path space;     ///< which keys, and their values (trial_space.h)
  std::size_t trials = 16;         ///< at most
  std::size_t rounds = 3;          ///< of halving, at most (halving.h)
  std::vector<std::string> keep;   ///< constraints (constraints.h); each entry may hold several
  std::string objective = "harm";  ///< the figure to improve
  DryRun dry_run;                  ///< check everything and print the plan instead
};

/// Draws the trials, halves them, and evaluates the best one and the recipe itself on test prompts. Each training is
/// stored in trials/ or test/ of recipe.out and not computed again, also if trials are added or the space, objective or
/// constraints change later. Writes tune.json, tune.md, report.html, and best.yaml: the recipe of the best trial.
/// Models are not written.
/// @throws Error (usage) for a wrong space, objective or constraint; Error (bad input) if there is nothing to validate
///   on, or the folder holds something else; Error if no trial keeps what must be kept, or harm cannot be judged
void tune(const TuneRequest& request);

}  // namespace lethe
