// The methods of `lethe unlearn` by name: which rows each trains on, and whether the result is subtracted. No tensors:
// a recipe is checked without the engine.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// What training is for; decides the sign with which the task vector is applied.
enum class Stage2 { negate, keep };

struct Method {
  std::string name;   ///< key `method` of the recipe
  std::string title;  ///< of the training's progress bar
  Stage2 stage2 = Stage2::negate;
  bool normal_rows = true;   ///< trains on normal pairs
  bool harmful_rows = true;  ///< trains on harmful pairs
  bool reference = true;     ///< needs the original's answers on normal pairs
  /// Settings that keep a trained model nearer to the original, for advice.
  std::string gentler = "fewer training.steps, or a smaller training.lr";
};

/// All of them, in the order of documentation: sku, task_vector, ga, ga_mismatch, finetune.
const std::vector<Method>& methods();
/// @throws Error (usage) naming the known ones
const Method& method_named(const std::string& name);

/// The sign of α: θ_o − α·τ, or, where training is itself the unlearning, θ_o + α·τ.
inline double direction(const Method& method) {
  return method.stage2 == Stage2::negate ? -1 : 1;
}

}  // namespace lethe
