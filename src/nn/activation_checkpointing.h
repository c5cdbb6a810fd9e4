// Memory for time: a part of the model whose inner activations are not kept but computed again on the way back.
#pragma once

#include <ATen/ATen.h>

#include <functional>

namespace lethe {

/// y = part(x). Of the forward pass only x is kept; backward runs the part again. Weights within the part get their
/// gradients also where x needs none. Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
/// @param part  computes the same whenever it is called (its random numbers included), until backward is done
at::Tensor checkpointed(std::function<at::Tensor(const at::Tensor& x)> part, const at::Tensor& x);

}  // namespace lethe
