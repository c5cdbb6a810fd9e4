#include "nn/norm.h"

#include "kernels/fused_norm_swiglu.h"
#include "nn/recomputed_inputs.h"

namespace lethe {
namespace {

/// Whether kernels/fused_norm_swiglu.h supports these: contiguous float32 on a CPU.
bool plain_rows(const at::Tensor& x, const at::Tensor& weight) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         x.is_contiguous() && weight.is_contiguous() && x.numel() > 0;
}

/// RMSNorm that keeps only x and, per row, 1 / √(mean(x²) + ε). LibTorch's also keeps normalised copies of x.
struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double epsilon) {
    if (plain_rows(x, weight)) {
      std::vector<std::int64_t> each = x.sizes().vec();
      each.back() = 1;
      at::Tensor r = at::empty(each, x.options()), y = at::empty_like(x);
      rms_norm_rows(x.const_data_ptr<float>(), weight.const_data_ptr<float>(), r.numel(), x.size(-1),
                    static_cast<float>(epsilon), r.mutable_data_ptr<float>(), y.mutable_data_ptr<float>());
      context->save_for_backward({x, weight, r});
      return y;
    }
    const auto size = static_cast<double>(x.size(-1));
    const at::Tensor inverse = at::linalg_vector_norm(x, 2, {-1}, true).square_().div_(size).add_(epsilon).rsqrt_();
    context->save_for_backward({x, weight, inverse});
    return value({x, weight, inverse});
  }
  static at::Tensor value(const torch::autograd::variable_list& saved) {
    const at::Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2];
    if (!plain_rows(x, weight)) return at::mul(x, inverse).mul_(weight);
    at::Tensor y = at::empty_like(x);
    rms_norm_again(x.const_data_ptr<float>(), weight.const_data_ptr<float>(), inverse.const_data_ptr<float>(),
                   inverse.numel(), x.size(-1), y.mutable_data_ptr<float>());
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2], &g = gradients[0];
    at::Tensor grad_weight;
    if (plain_rows(x, weight) && g.scalar_type() == at::kFloat && context->needs_input_grad(0)) {
      const at::Tensor from = g.contiguous();
      at::Tensor grad_x = at::empty_like(x);
      if (context->needs_input_grad(1))
        grad_weight = at::empty({rms_norm_parts(inverse.numel()), x.size(-1)}, x.options());
      rms_norm_backward(from.const_data_ptr<float>(), x.const_data_ptr<float>(), weight.const_data_ptr<float>(),
                        inverse.const_data_ptr<float>(), inverse.numel(), x.size(-1), grad_x.mutable_data_ptr<float>(),
                        grad_weight.defined() ? grad_weight.mutable_data_ptr<float>() : nullptr);
      return {grad_x, grad_weight.defined() ? grad_weight.sum(0) : grad_weight, at::Tensor()};
    }
    if (context->needs_input_grad(1)) grad_weight = (g * x).mul_(inverse).flatten(0, -2).sum(0);
    if (!context->needs_input_grad(0)) return {at::Tensor(), grad_weight, at::Tensor()};
    // y = x·r·w, r = (mean(x²) + ε)^−½:  dx = r·(g·w) − x·r³·mean(g·w·x)
    at::Tensor grad_x = g * weight;
    const at::Tensor mean = (grad_x * x).mean(-1, /*keepdim=*/true);
    grad_x.mul_(inverse).addcmul_(x, inverse.pow(3).mul_(mean), -1);
    return {grad_x, grad_weight, at::Tensor()};
  }
};

}  // namespace

std::function<at::Tensor()> norm_maker(const at::Tensor& y) {
  return maker<RmsNorm>(y);
}

at::Tensor Norm::forward(const at::Tensor& x) const {
  const auto optional = [](const at::Tensor& t) { return t.defined() ? std::optional<at::Tensor>(t) : std::nullopt; };
  if (kind == NormKind::none) return x;
  if (x.scalar_type() == at::kFloat && weight.defined() && weight.scalar_type() != at::kFloat) {
    // Float32 activations of a model in 16 bits (nn/bfloat16_product.h).
    Norm wide = *this;
    wide.weight = weight.to(at::kFloat);
    if (bias.defined()) wide.bias = bias.to(at::kFloat);
    return wide.forward(x);
  }
  at::Tensor y;
  if (kind == NormKind::layer) {
    y = at::layer_norm(x, {x.size(-1)}, optional(weight), optional(bias), epsilon);
  } else if (offset != 0) {
    // In float32 throughout: in 16 bits the sum would lose most of a weight that is stored around 0.
    const at::ScalarType wide = at::promote_types(x.scalar_type(), at::kFloat);
    y = at::rms_norm(x.to(wide), {x.size(-1)}, weight.to(wide) + offset, epsilon).to(x.scalar_type());
  } else if (weight.defined() && x.device().is_cpu() && x.scalar_type() == weight.scalar_type() &&
             (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble)) {
    y = RmsNorm::apply(x, weight, epsilon);
  } else {
    y = at::rms_norm(x, {x.size(-1)}, optional(weight), epsilon);
  }
  return head_weights.empty() ? y : y * at::stack(head_weights);
}

}  // namespace lethe
