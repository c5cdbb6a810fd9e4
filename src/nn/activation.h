// Activations of the MLP.
#pragma once

#include <ATen/ATen.h>

#include <functional>

#include "architectures/parts.h"

namespace lethe {

/// @param x  [T, F]
at::Tensor activate(const at::Tensor& x, Activation kind);

/// activation(gate) · up, elementwise (Shazeer 2020). SiLU has its own backward pass, which keeps only gate and up.
/// @param gate, up  [T, F]
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation kind);

/// Recomputes y = gated(…, SiLU) (recomputed_inputs.h); empty if y is not such an output.
std::function<at::Tensor()> gated_maker(const at::Tensor& y);

}  // namespace lethe
