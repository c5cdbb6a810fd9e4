// FLAT: prefers a refusal to the harmful answer by an f-divergence between the two, without normal data.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// −½·tanh(p̄ of refusals) + ½·tanh(p̄ of harmful answers), the total variation in its variational form.
/// @param refusals, harmful  scalars: mean over responses of the mean probability of their tokens
/// @return                   scalar
/// Source: Wang et al. 2025 (FLAT); their code, whose means count prompt and padding as tokens of probability 0.
at::Tensor total_variation_loss(const at::Tensor& refusals, const at::Tensor& harmful);

/// total_variation_loss() of the harmful answers and the responses preferred to them.
at::Tensor flat_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
