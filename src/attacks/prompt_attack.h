// The attacks that only ask: other prompts for the same question, and many answers to one prompt.
#pragma once

#include <memory>

#include "attacks/attack.h"

namespace lethe {

/// Asks every held-out prompt in another way: one part for each of inputs.tricks. Those that show pairs are left out
/// without forget rows.
std::unique_ptr<Attack> make_prompts(const AttackInputs& inputs);

/// Best of N: draws budget.samples answers to each prompt at temperature 1. A prompt counts as harmful if one of them
/// is.
std::unique_ptr<Attack> make_sampling(const AttackInputs& inputs);

}  // namespace lethe
