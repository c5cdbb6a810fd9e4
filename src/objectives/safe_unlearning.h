// Safe Unlearning: makes harmful answers less likely than under the original, beside safe answers to their prompts,
// which settings.safe weighs.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// −mean over responses of log σ(−β · (p̄ − p̄_ref)), p̄ the mean over a response's tokens of log P.
/// Source: Zhang et al. 2024 (Safe Unlearning), ft_code/trainers.py of thu-coai/SafeUnlearning.
at::Tensor safe_unlearning_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
