// The methods of `lethe unlearn`, one row for each: the data that a method trains on, and whether its result is
// subtracted. This file needs no tensors, so that recipes are checked without LibTorch. The losses are in
// runs/methods.h.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// Identifies a method in code. Only the reader of recipes compares names.
enum class MethodId { sku, task_vector, ga, ga_mismatch, finetune };

/// Whether stage 2 subtracts what training learned (negate) or keeps it.
enum class Stage2 { negate, keep };

/// The kind of the sku.k responses that are drawn for each harmful prompt, in addition to its own.
enum class Draws {
  none,
  harmful,  ///< of other harmful prompts: random disassociation
  normal    ///< normal answers
};

struct Method {
  MethodId id;
  std::string name;         ///< key `method` of the recipe
  std::string description;  ///< one sentence, for users
  std::string source;       ///< the paper that introduced it
  std::string title;        ///< shown by the progress bar of training
  Stage2 stage2 = Stage2::negate;
  Draws draws = Draws::none;
  bool normal_rows = true;   ///< trains on normal pairs
  bool harmful_rows = true;  ///< trains on harmful pairs
  bool reference = true;     ///< needs the original's answers on normal pairs
};

/// All methods, in the order of the documentation: sku, task_vector, ga, ga_mismatch, finetune.
const std::vector<Method>& methods();
/// @throws Error (usage) listing the known names
const Method& method_named(const std::string& name);

/// The sign of α. Stage2::negate: θ_o − α·τ. Stage2::keep, where training itself unlearns: θ_o + α·τ.
inline double direction(const Method& method) {
  return method.stage2 == Stage2::negate ? -1 : 1;
}

}  // namespace lethe
