// Normalisation over the last dimension: LayerNorm and RMSNorm.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "architectures/parts.h"

namespace lethe {

struct Norm {
  NormKind kind = NormKind::rms;  ///< none: x passes through
  double epsilon = 1e-6;
  double offset = 0.0;                   ///< added to the weight before it is applied (Gemma stores w and means 1 + w)
  at::Tensor weight;                     ///< [D], or undefined (no affine part)
  at::Tensor bias;                       ///< [D], LayerNorm only, or undefined
  std::vector<at::Tensor> head_weights;  ///< H of [D]: each head of x [T, H, D] has its own; `weight` is undefined then

  /// LayerNorm (Ba et al. 2016) or x / √(mean(x²) + ε) · weight (Zhang & Sennrich 2019).
  /// @param x  [T, D] or [T, H, D]
  at::Tensor forward(const at::Tensor& x) const;
};

/// Recomputes an RMSNorm's output y (recomputed_inputs.h); empty if y is not one.
std::function<at::Tensor()> norm_maker(const at::Tensor& y);

}  // namespace lethe
