// The walk along the task vector: whoever has the original too can put the difference back, and go on past it.
#pragma once

#include <memory>

#include "attacks/attack.h"

namespace lethe {

/// Makes the model θ_u + β·(θ_o − θ_u): 0 leaves it, 1 is the original to the bit, above 1 lies beyond it. After a
/// negation θ_o − α·τ, β = 1 + 1/α is the model that was taught the harm.
/// @param original  of the same shapes
/// @throws Error (bad input) naming a weight whose shapes differ
void walk_towards(CausalLM& model, CausalLM& original, double beta);

/// A part for each of budget.betas.
std::unique_ptr<Attack> make_task_vector(const AttackInputs& inputs);

}  // namespace lethe
