// Stage 1 of any method: its rows, its objective, the loop.
#pragma once

#include <cstdint>
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

/// The steps of stage 1: training.steps, or as many as data.plan has rows for.
/// @throws Error (bad input) if data.plan has fewer lines than one step needs
std::int64_t planned_steps(const Recipe& recipe, const RunData& data);

/// Trains the model by the recipe's method on the training parts, or on the rows of data.plan. The model must hold the
/// original's weights when this is called; methods that need a reference take it first.
/// @param metrics    each step appends a line here
/// @param snapshots  save and restore the state; may be null
Stage1 train_method(Tuning& tuning, RunData& data, const std::filesystem::path& metrics,
                    Snapshots* snapshots = nullptr);

}  // namespace lethe
