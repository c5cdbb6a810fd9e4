// Ascent on the loss of harmful answers with a weight for each token: WGA and SatImp. The weights are functions of the
// token's probability p and carry no gradient.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// −mean over tokens of p^β · (−log p), nats. The weight ends the ascent of a token that the model no longer predicts.
/// Source: Wang et al. 2025 (WGA); compute_wga_loss() of OpenUnlearning.
at::Tensor wga_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

/// −mean over tokens of p^β · (1 − p)^β2 · (−log p), nats.
/// Source: Yang et al. 2025 (SatImp); compute_satimp_loss() of OpenUnlearning.
at::Tensor satimp_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
