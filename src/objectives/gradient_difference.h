// Gradient difference: raises the loss of harmful answers, and holds the model by the loss of normal ones. KL-min has
// the same forget loss, and a KL as its retain loss.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// −(mean over the tokens of all harmful responses of −log P), nats. Unbounded below: few steps are enough.
/// Source: Liu et al. 2022 (GradDiff) and Maini et al. 2024 (KL-min), as in OpenUnlearning, grad_diff.py.
at::Tensor gradient_difference(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
