// The inverted hinge loss: lowers the probability of each harmful token to that of the next best.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// 1 + p(y) − max over v ≠ y of p(v), of each position; in [0, 2].
/// @param logits   [n, V]
/// @param targets  [n] int64, the harmful tokens y
/// @return         [n]
/// Source: Cha et al. 2025 (LoKU).
at::Tensor inverted_hinge_of_each(const at::Tensor& logits, const at::Tensor& targets);

/// Mean over the tokens of harmful answers of inverted_hinge_of_each().
at::Tensor ihl_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
