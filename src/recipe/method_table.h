// The methods of `lethe unlearn`, one row for each: the data that a method trains on, and whether its result is
// subtracted. This file needs no tensors, so that recipes are checked without LibTorch. The losses are in
// runs/methods.h.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// Identifies a method in code. Only the reader of recipes compares names.
enum class MethodId {
  sku,
  task_vector,
  contrast,
  ga,
  ga_mismatch,
  finetune,
  grad_diff,
  kl_min,
  npo,
  simnpo,
  dpo,
  idk_dpo,
  wga,
  satimp,
  safe_unlearning,
  undial,
  ce_u,
  pdu,
  jensun,
  ihl,
  flat,
  rmu,
  circuit_breakers
};

/// What stage 2 does with what training learned.
enum class Stage2 {
  negate,   ///< subtracts it
  keep,     ///< keeps it: training itself unlearns
  contrast  ///< adds one half and subtracts a share of the other
};

/// The kind of the responses that are drawn for each harmful prompt, in addition to its own: sku.k of them, or one
/// where it is preferred to the pair's own response.
enum class Draws {
  none,
  harmful,  ///< of other harmful prompts: random disassociation
  normal,   ///< normal answers
  safe,     ///< preferred: lawful answers (data/safe_answers.h)
  unknown   ///< preferred: "I don't know", in many phrasings
};

/// What a method needs of the original on harmful pairs, and on the responses preferred to theirs.
enum class HarmfulReference {
  none,
  losses,  ///< the loss of each response token
  states   ///< the hidden states that predict them
};

struct Method {
  MethodId id;
  std::string name;         ///< key `method` of the recipe
  std::string description;  ///< one sentence, for users
  std::string source;       ///< the paper that introduced it
  std::string title;        ///< shown by the progress bar of training
  Stage2 stage2 = Stage2::negate;
  Draws draws = Draws::none;
  bool normal_rows = true;    ///< trains on normal pairs
  bool harmful_rows = true;   ///< trains on harmful pairs
  bool reference = true;      ///< needs the original's answers on normal pairs
  bool safe_answers = false;  ///< teaches safe answers: safe.answers, or with Draws::unknown "I don't know"
  /// Trains by a ForgetRetainObjective, which reads the recipe's section `objective`. Its retain loss decides whether
  /// it needs the original on normal pairs.
  bool forget_retain = false;
  HarmfulReference harmful_reference = HarmfulReference::none;
};

/// All methods, in the order of the documentation: SKU's kin, the baselines of its paper, those that forget and retain.
const std::vector<Method>& methods();
/// @throws Error (usage) listing the known names
const Method& method_named(const std::string& name);

/// The sign of α. Stage2::negate: θ_o − α·τ. Else θ_o + α·τ; of contrast, τ = τ_safe − r·τ_harm.
inline double direction(const Method& method) {
  return method.stage2 == Stage2::negate ? -1 : 1;
}

}  // namespace lethe
