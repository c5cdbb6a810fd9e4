// Values that are made again on the way back, from what is kept anyway, rather than kept themselves.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <functional>

namespace lethe {

/// Makes y = F(…) again from what F's node in y's history saved for its own backward, to the same bits; empty if y is
/// not the output of an F. Valid until F's backward is done, which comes behind that of all who took y. A linear map of
/// a norm's output, or of the product within a gated MLP, keeps such a maker in place of its input: 2 D + F of about
/// 8 D + 3 F numbers a token and layer.
/// F is a torch::autograd::Function with `static at::Tensor value(const variable_list& saved)`.
template <class F>
std::function<at::Tensor()> maker(const at::Tensor& y) {
  const std::shared_ptr<torch::autograd::Node> node = y.grad_fn();
  auto* own = dynamic_cast<torch::autograd::CppNode<F>*>(node.get());
  if (own == nullptr) return {};
  return [node, own] { return F::value(own->ctx_.get_saved_variables()); };
}

}  // namespace lethe
