#include "nn/activation.h"

#include "kernels/fused_norm_swiglu.h"
#include "nn/recomputed_inputs.h"

namespace lethe {
namespace {

/// Whether kernels/fused_norm_swiglu.h supports these: contiguous float32 on a CPU.
bool plain_rows(const at::Tensor& a, const at::Tensor& b) {
  return a.device().is_cpu() && a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat && a.is_contiguous() &&
         b.is_contiguous() && a.sizes() == b.sizes();
}

struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return value({gate, up});
  }
  static at::Tensor value(const torch::autograd::variable_list& saved) {
    const at::Tensor &gate = saved[0], &up = saved[1];
    if (!plain_rows(gate, up)) return at::silu(gate).mul_(up);
    at::Tensor y = at::empty_like(gate);
    swiglu(gate.const_data_ptr<float>(), up.const_data_ptr<float>(), gate.numel(), y.mutable_data_ptr<float>());
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    if (plain_rows(saved[0], saved[1]) && gradients[0].scalar_type() == at::kFloat) {
      const at::Tensor g = gradients[0].contiguous();
      at::Tensor grad_gate = at::empty_like(g), grad_up = at::empty_like(g);
      swiglu_backward(saved[0].const_data_ptr<float>(), saved[1].const_data_ptr<float>(), g.const_data_ptr<float>(),
                      g.numel(), grad_gate.mutable_data_ptr<float>(), grad_up.mutable_data_ptr<float>());
      return {grad_gate, grad_up};
    }
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
