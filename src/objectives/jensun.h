// JensUn: pulls the predictions to those of a refusal, and on normal answers to the original's, by the Jensen-Shannon
// divergence, which is bounded by ln 2.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// JSD(p, onehot(y)) of each position: ln 2 + ½·(p(y)·ln p(y) − (1 + p(y))·ln(1 + p(y))).
/// @param logits   [n, V]
/// @param targets  [n] int64, tokens y of the refusal
/// @return         [n], nats
/// Source: Singh et al. 2025 (JensUn). Their code gives every token of the refusal the probability 1 at every position,
/// which is no distribution. Here each position has one token.
at::Tensor divergence_to_tokens(const at::Tensor& logits, const at::Tensor& targets);

/// JSD(p, p_ref) of each position.
/// @param logits, reference  [n, V] of the model and of the original
/// @return                   [n], nats
/// Source: as above.
at::Tensor divergence_to_reference(const at::Tensor& logits, const at::Tensor& reference);

/// Forget: mean over the tokens of harmful answers of divergence_to_tokens(). The targets are the tokens of the
/// preferred response, over and over. Retain (auto): mean over the tokens of normal answers of
/// divergence_to_reference().
class JensUnObjective : public ForgetRetainObjective {
 public:
  using ForgetRetainObjective::ForgetRetainObjective;

 protected:
  at::Tensor forget(const ResponseBatch& batch) override;
  at::Tensor retain(const ResponseBatch& batch) override;
};

}  // namespace lethe
