#include "nn/norm.h"

namespace lethe {

at::Tensor Norm::forward(const at::Tensor& x) const {
  const auto optional = [](const at::Tensor& t) { return t.defined() ? std::optional<at::Tensor>(t) : std::nullopt; };
  if (kind == NormKind::rms) return at::rms_norm(x, {x.size(-1)}, optional(weight), epsilon);
  return at::layer_norm(x, {x.size(-1)}, optional(weight), optional(bias), epsilon);
}

}  // namespace lethe
