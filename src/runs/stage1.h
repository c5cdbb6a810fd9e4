// Stage 1 of any method: its rows, its objective, the loop.
#pragma once

#include <filesystem>
#include <vector>

#include "recipe/recipe.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// Trains the model by the recipe's method on the training parts, or on the rows of a plan. The model is the original
/// when this is called; the reference of methods that need one is taken first.
/// @param metrics    a line a step is appended here
/// @param snapshots  where the state is kept, and taken up again; may be null
std::vector<StepRecord> train_method(const Recipe& recipe, CausalLM& model, Tuning& tuning, ExampleMaker& examples,
                                     const RunData& data, const std::filesystem::path& metrics,
                                     Snapshots* snapshots = nullptr);

}  // namespace lethe
