#include "nn/norm.h"

namespace lethe {

at::Tensor Norm::forward(const at::Tensor& x) const {
  const auto optional = [](const at::Tensor& t) { return t.defined() ? std::optional<at::Tensor>(t) : std::nullopt; };
  if (kind == NormKind::none) return x;
  at::Tensor y;
  if (kind == NormKind::layer) {
    y = at::layer_norm(x, {x.size(-1)}, optional(weight), optional(bias), epsilon);
  } else if (offset != 0) {
    // In float32 throughout: in 16 bits the sum would lose most of a weight that is stored around 0.
    const at::ScalarType wide = at::promote_types(x.scalar_type(), at::kFloat);
    y = at::rms_norm(x.to(wide), {x.size(-1)}, weight.to(wide) + offset, epsilon).to(x.scalar_type());
  } else {
    y = at::rms_norm(x, {x.size(-1)}, optional(weight), epsilon);
  }
  return head_weights.empty() ? y : y * at::stack(head_weights);
}

}  // namespace lethe
