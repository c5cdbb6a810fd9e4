// Stage 2 of any method: the task vector, shaped and repaired as the recipe asks, ready to be applied with any α.
#pragma once

#include <filesystem>

#include "runs/task_vector.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// A task vector, and the sign with which α applies it: θ_o + sign·α·τ is the unlearned model.
struct Stage2Vector {
  TaskVector vector;
  double sign = -1;

  void apply(double alpha) { vector.apply(sign * alpha); }
};

/// @param model    holds what stage 1 trained
/// @param trained  where the trained model is kept (keep_harmful); empty: not at all
/// @param metrics  a line a step of the repair is appended here
/// negation.factors and negation.rank change τ; negation.repair trains θ_o − repair.alpha·τ on the normal training
/// pairs, and what then differs from θ_o is the vector, its sign +1.
Stage2Vector prepare_stage2(const Recipe& recipe, CausalLM& model, const Checkpoint& base, Tuning& tuning,
                            ExampleMaker& examples, const RunData& data, const std::filesystem::path& trained,
                            const std::filesystem::path& metrics);

}  // namespace lethe
