// RMU: steers one layer's states on harmful answers to a random vector, and holds those on normal answers.
#pragma once

#include <cstdint>

#include "objectives/forget_retain.h"

namespace lethe {

/// c·u, u uniform in [0, 1)^D and then scaled to length 1. A function of the seed.
/// @return [D] float32
/// Source: Li et al. 2024 (RMU), as in their code.
at::Tensor control_vector(std::int64_t size, double c, std::uint64_t seed);

/// Mean over coordinates of (h − target)², of each position.
/// @param states  [N, D]
/// @param target  [N, D] or [D]
/// @return        [N]
/// Source: as above: the paper writes ‖·‖², their code takes the mean over coordinates of both terms.
at::Tensor steering_loss(const at::Tensor& states, const at::Tensor& target);

/// Forget: mean over the tokens of harmful answers of steering_loss() to control_vector(), at the only layer of
/// objective.layers. Retain (auto): the same of normal answers, to the original's states. Layers above are not
/// computed. The reference is an InnerReference on normal pairs.
class RmuObjective : public ForgetRetainObjective {
 public:
  RmuObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings, std::uint64_t seed);

  std::set<std::string> rising() const override { return {"forget", "retain"}; }  // squared activations: not nats

 protected:
  at::Tensor states(const PackedExamples& packed) const override;
  at::Tensor forget(const ResponseBatch& batch) override;
  at::Tensor retain(const ResponseBatch& batch) override;

 private:
  at::Tensor control_;  // [D]
};

}  // namespace lethe
