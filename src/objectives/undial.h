// UNDIAL: distils the original's own predictions, in which the harmful token is made less likely.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// Cross-entropy to softmax(z_ref − β·onehot(y)), of each position. Only response tokens belong in the batch: at other
/// positions the loss would also unlearn the prompt.
/// @param logits, reference  [n, V] of the model and of the original
/// @param targets            [n] int64, the harmful tokens y
/// @return                   [n], nats
/// Source: Dong et al. 2025; compute_undial_loss() of OpenUnlearning, which averages over prompt and padding too.
at::Tensor undial_of_each(const at::Tensor& logits, const at::Tensor& reference, const at::Tensor& targets,
                          double beta);

/// Mean over the tokens of harmful answers of undial_of_each() with objective.beta. The reference is on harmful pairs.
at::Tensor undial_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
