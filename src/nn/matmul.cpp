#include "nn/matmul.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>

#include "kernels/skinny_gemm.h"
#include "kernels/weight_gradient.h"
#include "nn/activation.h"
#include "nn/bfloat16_product.h"
#include "nn/norm.h"

namespace lethe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using PointwiseLinear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                   c10::string_view, c10::List<std::optional<at::Scalar>>,
                                   std::optional<c10::string_view>);

/// LibTorch's oneDNN linear operator; empty if this build of LibTorch lacks it.
const std::optional<c10::TypedOperatorHandle<PointwiseLinear>>& onednn_linear() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<PointwiseLinear>> {
    const auto handle = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!handle || !handle->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
    return handle->typed<PointwiseLinear>();
  }();
  return found;
}

bool plain_float(const at::Tensor& x, const at::Tensor& weight) {
  return x.dim() == 2 && x.device().is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         x.numel() > 0 && weight.numel() > 0;
}

std::optional<at::Tensor> optional(const at::Tensor& bias) {
  return bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
}

at::Tensor by_onednn(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return onednn_linear()->call(x.contiguous(), weight, optional(bias), "none", c10::List<std::optional<at::Scalar>>(),
                               "");
}

/// x·Wᵀ of a few rows. @param x float32 @param weight bfloat16
at::Tensor few_rows_by_bfloat16(const at::Tensor& x, const at::Tensor& weight) {
  if (!weight.is_contiguous()) return bfloat16_product(x, weight.t());
  at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  skinny_gemm(x.contiguous().const_data_ptr<float>(), x.size(0),
              reinterpret_cast<const std::uint16_t*>(weight.const_data_ptr<at::BFloat16>()), x.size(1),
              y.mutable_data_ptr<float>(), weight.size(0));
  return y;
}

/// x·Wᵀ + bias, not recorded by autograd.
at::Tensor values_times_transposed(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (mixes_bfloat16(x, weight)) {
    at::Tensor y =
        x.size(0) <= skinny_rows_of_bfloat16() ? few_rows_by_bfloat16(x, weight) : bfloat16_product(x, weight.t());
    return bias.defined() ? y.add_(bias) : y;
  }
  if (plain_float(x, weight)) {
    if (x.size(0) <= skinny_rows && weight.is_contiguous() && has_skinny_gemm()) {
      at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
      skinny_gemm(x.contiguous().const_data_ptr<float>(), x.size(0), weight.const_data_ptr<float>(), x.size(1),
                  y.mutable_data_ptr<float>(), weight.size(0));
      return bias.defined() ? y.add_(bias) : y;
    }
    if (x.size(0) > 1 && prefers_onednn()) return by_onednn(x, weight, bias);
  }
  return at::linear(x, weight, optional(bias));
}

/// Recomputes the input; a class that a Function's context can hold.
struct InputMaker : torch::CustomClassHolder {
  std::function<at::Tensor()> make;
};

std::function<at::Tensor()> maker_of(const at::Tensor& x) {
  auto make = norm_maker(x);
  return make ? make : gated_maker(x);
}

struct Product : torch::autograd::Function<Product> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, c10::intrusive_ptr<InputMaker> maker) {
    // Keep only what the backward pass needs: x is for the gradient of a weight that is not frozen.
    const bool keeps_x = weight.requires_grad() && !maker;
    context->save_for_backward({keeps_x ? x : at::Tensor(), x.requires_grad() ? weight : at::Tensor()});
    if (weight.requires_grad() && maker) context->saved_data["x"] = c10::IValue::make_capsule(std::move(maker));
    context->saved_data["bias"] = bias.has_value() && bias->requires_grad();
    context->saved_data["rounds"] = mixes_bfloat16(x, weight);
    return values_times_transposed(x, weight, bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& g = gradients[0];
    at::Tensor x = saved[0];
    if (const auto made = context->saved_data.find("x"); made != context->saved_data.end()) {
      x = c10::static_intrusive_pointer_cast<InputMaker>(made->second.toCapsule())->make();
      // A second backward pass through the same graph (objectives/gru.h) makes it again.
      if (!torch::autograd::get_current_graph_task_keep_graph()) context->saved_data.erase(made);
    }
    const auto to_weight = [&] {
      return matmul_tn(context->saved_data["rounds"].toBool() ? g.to(at::kBFloat16) : g, x);
    };
    return {saved[1].defined() ? matmul_nn(g, saved[1]) : at::Tensor(), x.defined() ? to_weight() : at::Tensor(),
            context->saved_data["bias"].toBool() ? g.sum(0) : at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool prefers_onednn() {
  static const bool preferred = onednn_linear().has_value() && mkl_lacks_avx512();
  return preferred;
}

at::Tensor matmul_nt(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool history = c10::GradMode::is_enabled() &&
                       (x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (!history) return values_times_transposed(x, weight, bias);
  c10::intrusive_ptr<InputMaker> maker;
  if (auto make = x.dim() == 2 && weight.requires_grad() ? maker_of(x) : nullptr) {
    maker = c10::make_intrusive<InputMaker>();
    maker->make = std::move(make);
  }
  if (maker || (plain_float(x, weight) && prefers_onednn()) || mixes_bfloat16(x, weight))
    return Product::apply(x, weight, optional(bias), std::move(maker));
  return at::linear(x, weight, optional(bias));
}

at::Tensor matmul_nn(const at::Tensor& g, const at::Tensor& weight) {
  if (mixes_bfloat16(g, weight)) return bfloat16_product(g, weight);
  if (plain_float(g, weight) && g.size(0) > 1 && prefers_onednn()) return by_onednn(g, weight.t(), {});
  return at::mm(g, weight);
}

void matmul_tn_into(const at::Tensor& out, const at::Tensor& g, const at::Tensor& x, bool add) {
  if (mixes_bfloat16(g, x)) return bfloat16_product_into(out, g.t(), x, add);
  constexpr std::int64_t small = 64;  // below this, packing costs as much as it saves
  if (plain_float(g, x) && g.size(0) >= small && g.size(1) >= small && x.size(1) >= small && out.is_contiguous() &&
      mkl_lacks_avx512()) {
    const at::Tensor space = at::empty({weight_gradient_workspace()}, g.options());
    weight_gradient(g.contiguous().const_data_ptr<float>(), x.contiguous().const_data_ptr<float>(), g.size(0),
                    g.size(1), x.size(1), out.mutable_data_ptr<float>(), add, space.mutable_data_ptr<float>());
    return;
  }
  at::Tensor to = out;
  at::addmm_out(to, to, g.t(), x, /*beta=*/add ? 1 : 0);
}

at::Tensor matmul_tn(const at::Tensor& g, const at::Tensor& x) {
  at::Tensor out =
      at::empty({g.size(1), x.size(1)}, g.options().dtype(mixes_bfloat16(g, x) ? at::kFloat : g.scalar_type()));
  matmul_tn_into(out, g, x, /*add=*/false);
  return out;
}

}  // namespace lethe
