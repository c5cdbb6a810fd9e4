#include "objectives/inner_states.h"

#include <algorithm>
#include <cmath>

namespace lethe {

std::vector<std::int64_t> layers_at_depth(const std::vector<std::int64_t>& of_32, std::int64_t depth) {
  std::vector<std::int64_t> layers;
  for (const std::int64_t layer : of_32) {
    const double place = static_cast<double>((layer + 1) * depth) / 32.0 - 1;
    layers.push_back(std::clamp<std::int64_t>(std::lround(place), 0, depth - 1));
  }
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  return layers;
}

at::Tensor inner_states(const CausalLM& model, const PackedExamples& packed, const std::vector<std::int64_t>& layers) {
  std::vector<at::Tensor> states;
  for (const at::Tensor& stream : model.residuals(packed.batch, layers))
    states.push_back(response_states(stream, packed));
  const at::Tensor stacked = at::stack(states, 1);
  return stacked.to(at::promote_types(stacked.scalar_type(), at::kFloat));
}

}  // namespace lethe
