// Stage 1 of any method: its rows, its objective, the loop.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

struct Stage1 {
  std::vector<StepRecord> steps;
  std::string gentler;  ///< Objective::gentler()
};

/// Trains the model by the recipe's method on the training parts, or on the rows of a plan. The model is the original
/// when this is called; the reference of methods that need one is taken first.
/// @param metrics    a line a step is appended here
/// @param snapshots  where the state is kept, and taken up again; may be null
Stage1 train_method(Tuning& tuning, RunData& data, const std::filesystem::path& metrics,
                    Snapshots* snapshots = nullptr);

}  // namespace lethe
