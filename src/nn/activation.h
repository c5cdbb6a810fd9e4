// Activations of the MLP.
#pragma once

#include <ATen/ATen.h>

#include <functional>

#include "architectures/parts.h"

namespace lethe {

/// @param x  [T, F]
at::Tensor activate(const at::Tensor& x, Activation kind);

/// activation(gate) · up, elementwise. For SiLU with its own backward, which keeps only gate and up (Shazeer 2020).
/// @param gate, up  [T, F]
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation kind);

/// Makes gated(…, SiLU) again (recomputed_inputs.h); empty if y is none.
std::function<at::Tensor()> gated_maker(const at::Tensor& y);

}  // namespace lethe
