#include "objectives/rmu.h"

#include "core/random.h"
#include "objectives/inner_states.h"

namespace lethe {

at::Tensor control_vector(std::int64_t size, double c, std::uint64_t seed) {
  RandomStream stream(seed, "rmu control vector");
  at::Tensor vector = at::empty({size}, at::kFloat);
  for (std::int64_t i = 0; i < size; ++i) vector.mutable_data_ptr<float>()[i] = stream.uniform();
  return vector * (c / vector.norm());
}

at::Tensor steering_loss(const at::Tensor& states, const at::Tensor& target) {
  return (states - target).square().mean(1);
}

RmuObjective::RmuObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings, std::uint64_t seed)
    : ForgetRetainObjective(std::move(inputs), settings) {
  const CausalLM& model = this->inputs().model;
  control_ = control_vector(model.spec().hidden_size, settings.steer.value(), seed).to(model.device());
}

at::Tensor RmuObjective::states(const PackedExamples& packed) const {
  return inner_states(inputs().model, packed, settings().layers);
}

at::Tensor RmuObjective::forget(const ResponseBatch& batch) {
  return mean_over_tokens(steering_loss(batch.states.select(1, 0), control_), batch.own);
}

at::Tensor RmuObjective::retain(const ResponseBatch& batch) {
  return mean_over_tokens(steering_loss(batch.states.select(1, 0), batch.original_states().select(1, 0)), batch.own);
}

}  // namespace lethe
