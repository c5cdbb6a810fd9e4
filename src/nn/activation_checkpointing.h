// Activation checkpointing: saves memory by recomputing a part's activations in the backward pass.
#pragma once

#include <ATen/ATen.h>

#include <functional>

namespace lethe {

/// y = part(x). The forward pass keeps only x; the backward pass runs `part` again. Weights inside `part` get their
/// gradients even if x needs none. Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
/// @param part  gives the same result on every call until the backward pass is done, random numbers included
/// @param done  called when the weights inside `part` have their gradients; may be empty
at::Tensor checkpointed(std::function<at::Tensor(const at::Tensor& x)> part, const at::Tensor& x,
                        std::function<void()> done = nullptr);

}  // namespace lethe
