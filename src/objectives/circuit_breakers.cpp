#include "objectives/circuit_breakers.h"

#include <algorithm>

#include "objectives/inner_states.h"

namespace lethe {

at::Tensor rerouting_loss(const at::Tensor& states, const at::Tensor& reference) {
  return at::cosine_similarity(states, reference, -1).relu().mean();
}

at::Tensor drift_loss(const at::Tensor& states, const at::Tensor& reference) {
  return (states - reference).norm(2, {-1}).mean();
}

CircuitBreakersObjective::CircuitBreakersObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings,
                                                   std::int64_t micro_batches)
    : ForgetRetainObjective(std::move(inputs), settings), micro_batches_(micro_batches) {}

at::Tensor CircuitBreakersObjective::states(const PackedExamples& packed) const {
  return inner_states(inputs().model, packed, settings().layers);
}

at::Tensor CircuitBreakersObjective::forget(const ResponseBatch& batch) {
  return rerouting_loss(batch.states, batch.original_states());
}

at::Tensor CircuitBreakersObjective::retain(const ResponseBatch& batch) {
  return drift_loss(batch.states, batch.original_states());
}

double CircuitBreakersObjective::progress(std::uint64_t micro) const {
  return std::min(1.0, static_cast<double>(micro) / (2.0 * static_cast<double>(micro_batches_)));
}

double CircuitBreakersObjective::forget_weight(std::uint64_t micro) const {
  return settings().forget.value() * (1 - progress(micro));
}

double CircuitBreakersObjective::retain_weight(std::uint64_t micro) const {
  return settings().retain.value() * progress(micro);
}

}  // namespace lethe
