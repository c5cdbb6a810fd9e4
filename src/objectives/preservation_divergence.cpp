#include "objectives/preservation_divergence.h"

#include <c10/core/GradMode.h>

namespace lethe {

Head AdapterOffReference::head() {
  const AdapterMode before = model_.adapters;
  model_.adapters = AdapterMode{.on = false};
  Head result = model_.head();
  model_.adapters = before;
  return result;
}

Head frozen_copy(const Head& head) {
  Head copy = head;
  copy.weight = head.weight.detach().clone();
  if (head.bias.defined()) copy.bias = head.bias.detach().clone();
  return copy;
}

StoredReference::StoredReference(CausalLM& model, ExampleMaker& examples, std::span<const Pair> pairs)
    : original_(examples, final_states), head_(frozen_copy(model.head())) {
  add(model, pairs);
}

Divergence preservation_divergence(const at::Tensor& states, const Head& head, const at::Tensor& reference_states,
                                   const Head& reference_head, double eps_pd, double margin) {
  const std::int64_t tokens = states.size(0);
  const auto kl = kl_divergence(states, head, reference_states, reference_head,
                                at::full({tokens}, 1.0 / static_cast<double>(tokens)));
  Divergence result;
  result.mean = kl.each.mean().clamp_min(0);  // rounding can give −1e-8 where the two agree
  result.loss = kl.total * -eps_pd;
  if (margin > 0) result.loss = result.loss * (result.mean <= margin);
  return result;
}

}  // namespace lethe
