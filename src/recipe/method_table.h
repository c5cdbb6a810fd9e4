// The methods of `lethe unlearn`: a row each. It says which rows of data a method trains on, and whether the result is
// subtracted. No tensors: a recipe is checked without them. What a method minimises is in runs/methods.h.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// A method, for code: names are compared when a recipe is read, and nowhere else.
enum class MethodId { sku, task_vector, ga, ga_mismatch, finetune };

/// What training is for; decides the sign with which the task vector is applied.
enum class Stage2 { negate, keep };

/// The responses drawn for each harmful prompt (sku.k of them) beside its own.
enum class Draws {
  none,
  harmful,  ///< of other harmful prompts: random disassociation
  normal    ///< normal answers
};

struct Method {
  MethodId id;
  std::string name;         ///< key `method` of the recipe
  std::string description;  ///< one sentence, for users
  std::string source;       ///< the paper
  std::string title;        ///< of the training's progress bar
  Stage2 stage2 = Stage2::negate;
  Draws draws = Draws::none;
  bool normal_rows = true;   ///< trains on normal pairs
  bool harmful_rows = true;  ///< trains on harmful pairs
  bool reference = true;     ///< needs the original's answers on normal pairs
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
