// Preference losses: harmful answers are the rejected ones, alone (NPO, SimNPO) or beside a preferred answer (DPO,
// IdkDPO). Each ends by itself once the preference is clear.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// (−2/β) · mean over responses of log σ(β · (NLL − NLL_ref)), NLL the sum over a response's tokens of −log P (of the
/// probabilities, normalised: not of raw logits), ref the original.
/// Source: Zhang et al. 2024 (NPO); compute_dpo_loss() of OpenUnlearning.
at::Tensor npo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

/// (−2/β) · mean over responses of log σ(β · (NLL/|y| − δ)), |y| the tokens of the response.
/// Source: Fan et al. 2024 (SimNPO); simnpo.py of OpenUnlearning.
at::Tensor simnpo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

/// (−2/β) · mean over prompts of log σ(β · (Δ_preferred − Δ_own)), Δ = NLL_ref − NLL of a response.
/// Source: Rafailov et al. 2023 (DPO), Maini et al. 2024 (IdkDPO); compute_dpo_loss() of OpenUnlearning, with its
/// factor 2.
at::Tensor dpo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings);

}  // namespace lethe
