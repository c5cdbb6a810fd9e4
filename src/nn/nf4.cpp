#include "nn/nf4.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/nf4_kernel.h"
#include "kernels/nf4_levels.h"
#include "nn/matmul.h"
#include "tensors/device.h"

namespace lethe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor product(const at::Tensor& x, const Nf4Matrix& weight, const at::Tensor& bias, bool transposed) {
  const at::Tensor values = weight.values(x.scalar_type());
  return matmul_nt(x, transposed ? values.t() : values, bias);
}

struct Nf4Product : torch::autograd::Function<Nf4Product> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::optional<at::Tensor>& bias,
                            const Nf4Matrix& weight, bool transposed) {
    context->save_for_backward({weight.codes, weight.scales});
    context->saved_data["rows"] = weight.rows;
    context->saved_data["columns"] = weight.columns;
    context->saved_data["transposed"] = transposed;
    context->saved_data["x"] = x.requires_grad();
    context->saved_data["bias"] = bias.has_value() && bias->requires_grad();
    return product(x, weight, bias.value_or(at::Tensor()), transposed);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Nf4Matrix weight{saved[0], saved[1], context->saved_data["rows"].toInt(),
                           context->saved_data["columns"].toInt()};
    const at::Tensor& g = gradients[0];
    at::Tensor grad_x;
    if (context->saved_data["x"].toBool()) {
      const at::Tensor values = weight.values(g.scalar_type());
      grad_x = matmul_nn(g, context->saved_data["transposed"].toBool() ? values.t() : values);
    }
    return {grad_x, context->saved_data["bias"].toBool() ? g.sum(0) : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor Nf4Matrix::values(at::ScalarType type) const {
  if (!codes.device().is_cpu()) return looked_up(type);
  at::Tensor out = at::empty({rows, columns}, at::kFloat);
  unpack_nf4(codes.const_data_ptr<std::uint8_t>(), scales.const_data_ptr<float>(), rows * columns,
             out.mutable_data_ptr<float>());
  return out.to(type);
}

at::Tensor Nf4Matrix::looked_up(at::ScalarType type) const {
  std::vector<float> pairs;
  for (int pair = 0; pair < 256; ++pair) {
    pairs.push_back(nf4_levels[static_cast<std::size_t>(pair >> 4)]);
    pairs.push_back(nf4_levels[static_cast<std::size_t>(pair & 15)]);
  }
  const at::Tensor table = to_device(at::tensor(pairs).view({256, 2}), codes.device());
  const std::int64_t count = rows * columns, blocks = scales.size(0);
  at::Tensor values = table.index_select(0, codes.to(at::kInt)).view(-1);
  if (values.size(0) != blocks * 64) values = at::constant_pad_nd(values, {0, blocks * 64 - values.size(0)});
  at::Tensor scaled = at::empty({blocks, 64}, values.options().dtype(type));
  at::mul_out(scaled, values.view({blocks, 64}), scales.unsqueeze(1));  // in float32, rounded when stored
  return scaled.view(-1).slice(0, 0, count).view({rows, columns});
}

Nf4Matrix to_nf4(const at::Tensor& weight) {
  const at::Tensor values = weight.detach().to(at::kCPU, at::kFloat).contiguous();
  const std::int64_t count = values.numel();
  Nf4Matrix matrix{at::empty({(count + 1) / 2}, at::kByte), at::empty({(count + 63) / 64}, at::kFloat), weight.size(0),
                   weight.size(1)};
  pack_nf4(values.const_data_ptr<float>(), count, matrix.codes.mutable_data_ptr<std::uint8_t>(),
           matrix.scales.mutable_data_ptr<float>());
  matrix.codes = matrix.codes.to(weight.device());
  matrix.scales = matrix.scales.to(weight.device());
  return matrix;
}

at::Tensor nf4_product(const at::Tensor& x, const Nf4Matrix& weight, const at::Tensor& bias, bool transposed) {
  const bool history = c10::GradMode::is_enabled() && (x.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (!history) return product(x, weight, bias, transposed);
  return Nf4Product::apply(x, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt, weight, transposed);
}

}  // namespace lethe
