#include "nn/activation.h"

#include "nn/remade.h"

namespace lethe {
namespace {

struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return value({gate, up});
  }
  static at::Tensor value(const torch::autograd::variable_list& saved) { return at::silu(saved[0]).mul_(saved[1]); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor grad_up = at::silu(saved[0]).mul_(gradients[0]);
    const at::Tensor grad_gate = at::silu_backward(gradients[0] * saved[1], saved[0]);
    return {grad_gate, grad_up};
  }
};

}  // namespace

std::function<at::Tensor()> gated_maker(const at::Tensor& y) {
  return maker<SwiGlu>(y);
}

at::Tensor activate(const at::Tensor& x, Activation kind) {
  switch (kind) {
    case Activation::silu:
      return at::silu(x);
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::relu:
      return at::relu(x);
  }
  return x;
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation kind) {
  if (kind == Activation::silu) return SwiGlu::apply(gate, up);
  return activate(gate, kind) * up;
}

}  // namespace lethe
