// The attacks of `lethe attack`, a row each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attacks/attack.h"

namespace lethe {

/// What an attack needs besides the models and the prompts that are measured.
enum class AttackNeed : std::uint8_t {
  nothing,
  forget_rows,      ///< pairs that were unlearned: it trains on them, or looks for them
  normal_rows,      ///< benign pairs
  both_rows,        ///< both, without training on harm
  not_the_original  ///< only for models that differ from the original
};

struct AttackKind {
  std::string name;      ///< in --attacks and attack.json
  std::string sentence;  ///< what the attacker does, for users
  AttackNeed need = AttackNeed::nothing;
  std::unique_ptr<Attack> (*make)(const AttackInputs& inputs) = nullptr;
};

/// All attacks, in the order in which they run.
const std::vector<AttackKind>& attack_kinds();
/// @throws Error (usage) listing the known names
const AttackKind& attack_named(const std::string& name);

}  // namespace lethe
