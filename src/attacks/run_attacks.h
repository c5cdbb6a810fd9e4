// Attacks on the result of an unlearn run, before the run is finished (evaluation.attacks).
#pragma once

#include "attacks/attack_request.h"
#include "attacks/attack_result.h"
#include "evaluation/robustness.h"
#include "runs/unlearn.h"

namespace lethe {

/// The request of these attacks: the budget of `lethe attack`, but only the highest learning rates, and only the
/// unlearned model. @param run  folder with model/ or adapter/; the attacks are stored in run/attacks
AttackRequest run_attack_request(const Recipe& recipe, const std::filesystem::path& run);

/// @throws Error (usage) if evaluation.attacks has an unknown name, or one twice
void check_attack_names(const Recipe& recipe);

/// What the run reports of a result.
Robustness robustness_of(const AttackResult& result);

/// For unlearn(). Finished parts of an interrupted run's attacks are kept if its result is still the same.
RunAttacks attacks_on_runs();

}  // namespace lethe
