// Normalisation over the last dimension: LayerNorm and RMSNorm.
#pragma once

#include <ATen/ATen.h>

namespace lethe {

enum class NormKind { rms, layer };

struct Norm {
  NormKind kind = NormKind::rms;
  double epsilon = 1e-6;
  at::Tensor weight;  ///< [D], or undefined (no affine part)
  at::Tensor bias;    ///< [D], LayerNorm only, or undefined

  /// LayerNorm (Ba et al. 2016) or x / √(mean(x²) + ε) · weight (Zhang & Sennrich 2019).
  /// @param x  [T, D]
  at::Tensor forward(const at::Tensor& x) const;
};

}  // namespace lethe
