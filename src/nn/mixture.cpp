#include "nn/mixture.h"

namespace lethe {

at::Tensor Mixture::forward(const at::Tensor& x, Activation activation) const {
  const AdapterMode plain{.on = false};
  const at::Tensor logits = router.forward(x, plain);
  auto [weights, choice] = at::topk(logits.to(at::promote_types(x.scalar_type(), at::kFloat)).softmax(-1), chosen, -1);
  if (normalised) weights = weights / weights.sum(-1, /*keepdim=*/true);
  weights = weights.to(x.scalar_type()).flatten();  // [T·chosen]
  at::Tensor out = at::zeros_like(x);
  for (std::size_t e = 0; e < experts.size(); ++e) {
    const at::Tensor places = (choice.flatten() == static_cast<std::int64_t>(e)).nonzero().squeeze(1);
    if (places.size(0) == 0) continue;
    const at::Tensor tokens = places.floor_divide(chosen);
    const at::Tensor rows = x.index_select(0, tokens);
    const Expert& expert = experts[e];
    const at::Tensor inner = gated(expert.gate.forward(rows, plain), expert.up.forward(rows, plain), activation);
    const at::Tensor update = expert.down.forward(inner, plain) * weights.index_select(0, places).unsqueeze(1);
    out = out.index_add(0, tokens, update);
  }
  return out;
}

}  // namespace lethe
