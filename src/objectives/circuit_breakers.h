// Circuit breakers (representation rerouting): turns inner states on harmful answers away from the original's, and
// holds those on normal answers.
#pragma once

#include <cstdint>

#include "objectives/forget_retain.h"

namespace lethe {

/// Mean over layers and positions of relu(cos(h, h₀)).
/// @param states, reference  [N, L, D] of the model and of the original
/// @return                   scalar in [0, 1]
/// Source: Zou et al. 2024; the code of EleutherAI/unlearn (RRTrainer).
at::Tensor rerouting_loss(const at::Tensor& states, const at::Tensor& reference);

/// Mean over layers and positions of ‖h − h₀‖₂.
/// @param states, reference  [N, L, D] of the model and of the original
/// @return                   scalar
/// Source: as above.
at::Tensor drift_loss(const at::Tensor& states, const at::Tensor& reference);

/// Forget: rerouting_loss() of harmful answers. Retain (auto): drift_loss() of normal answers. Both at the states after
/// objective.layers; layers above the last of them are not computed. Of m micro-batches, number i has the weights
/// γ·(1 − i/2m) and α·i/2m, as in the paper, whose schedule of 300 steps stops after 150. The reference is an
/// InnerReference on harmful and normal pairs.
class CircuitBreakersObjective : public ForgetRetainObjective {
 public:
  /// @param micro_batches  m
  CircuitBreakersObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings, std::int64_t micro_batches);

  std::set<std::string> rising() const override { return {"retain"}; }  // a distance of activations: not nats

 protected:
  at::Tensor states(const PackedExamples& packed) const override;
  at::Tensor forget(const ResponseBatch& batch) override;
  at::Tensor retain(const ResponseBatch& batch) override;
  double forget_weight(std::uint64_t micro) const override;
  double retain_weight(std::uint64_t micro) const override;

 private:
  double progress(std::uint64_t micro) const;
  std::int64_t micro_batches_;
};

}  // namespace lethe
