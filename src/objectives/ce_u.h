// CE-U: distils the model's own predictions without the harmful token.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// Cross-entropy to the softmax of the model's logits with that of the harmful token at −∞, of each position. The
/// target is a constant.
/// @param logits   [n, V]
/// @param targets  [n] int64, the harmful tokens
/// @return         [n], nats
/// Source: Yang 2025 (CE-U); ceu.py of OpenUnlearning.
at::Tensor ce_u_of_each(const at::Tensor& logits, const at::Tensor& targets);

/// Mean over the tokens of harmful answers of ce_u_of_each(), without the first objective.skip tokens of each. 0 if no
/// token is left.
at::Tensor ce_u_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
