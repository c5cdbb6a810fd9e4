// Abliteration: takes the direction in which harmful prompts differ from harmless ones out of a model's weights.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attacks/attack.h"
#include "models/causal_lm.h"

namespace lethe {

/// The mean residual stream at the last token of the harmful prompts, minus that of the harmless ones, of length 1.
/// @param layers  as for CausalLM::residuals()
/// @return        [L, D] float64, on the CPU
/// @throws Error (bad input) if a side has no prompt, or both have the same mean
/// Source: Arditi et al. 2024 (arXiv 2406.11717), section 2.3.
at::Tensor harm_directions(const CausalLM& model, std::span<const std::vector<int>> harmful,
                           std::span<const std::vector<int>> harmless, const std::vector<std::int64_t>& layers);

/// Changes every matrix and bias that writes to the residual stream (embeddings, attention outputs, MLP outputs) so
/// that nothing is written along v: W ← (I − v·vᵀ)·W. Where a norm follows the matrix (Gemma 2, OLMo 2), the direction
/// before that norm is removed, which has the same effect. A head that is tied to the embedding changes with it.
/// The new weights are new tensors: a memory-mapped file is not written to.
/// @param direction  v, [D], not zero
/// @throws Error (bad input) if the model normalises the residual stream itself (OPT-350m) or holds packed weights
/// Source: Arditi et al. 2024, section 4.1; the norms are ours.
void remove_direction(CausalLM& model, const at::Tensor& direction);

/// The attack: directions after 40, 60 and 80% of the layers, each tried on its own.
std::unique_ptr<Attack> make_abliteration(const AttackInputs& inputs);

}  // namespace lethe
