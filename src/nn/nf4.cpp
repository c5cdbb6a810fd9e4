#include "nn/nf4.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "kernels/nf4_kernel.h"
#include "kernels/nf4_levels.h"
#include "nn/matmul.h"

namespace lethe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The two levels of each byte.
at::Tensor level_pairs() {
  std::vector<float> pairs;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs.push_back(nf4_levels[byte >> 4]);
    pairs.push_back(nf4_levels[byte & 15]);
  }
  return at::tensor(pairs).view({256, 2});
}

/// The weights that a product with x takes.
at::Tensor factor(const Nf4Matrix& weight, const at::Tensor& x) {
  return weight.values(weight.by_bfloat16 ? at::kBFloat16 : x.scalar_type());
}

at::Tensor product(const at::Tensor& x, const Nf4Matrix& weight, const at::Tensor& bias, bool transposed) {
  const at::Tensor values = factor(weight, x);
  return matmul_nt(x, transposed ? values.t() : values, bias);
}

struct Nf4Product : torch::autograd::Function<Nf4Product> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::optional<at::Tensor>& bias,
                            const Nf4Matrix& weight, bool transposed) {
    context->save_for_backward({weight.codes, weight.scales, weight.pairs});
    context->saved_data["rows"] = weight.rows;
    context->saved_data["columns"] = weight.columns;
    context->saved_data["transposed"] = transposed;
    context->saved_data["by_bfloat16"] = weight.by_bfloat16;
    context->saved_data["x"] = x.requires_grad();
    context->saved_data["bias"] = bias.has_value() && bias->requires_grad();
    return product(x, weight, bias.value_or(at::Tensor()), transposed);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Nf4Matrix weight{saved[0],
                           saved[1],
                           context->saved_data["rows"].toInt(),
                           context->saved_data["columns"].toInt(),
                           saved[2],
                           context->saved_data["by_bfloat16"].toBool()};
    const at::Tensor& g = gradients[0];
    at::Tensor grad_x;
    if (context->saved_data["x"].toBool()) {
      const at::Tensor values = factor(weight, g);
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

at::Tensor Nf4Matrix::looked_up(at::ScalarType type, std::int64_t piece) const {
  const at::Tensor table = pairs.defined() ? pairs : level_pairs();
  const std::int64_t count = rows * columns;
  const at::Tensor result = at::empty({scales.size(0), 64}, scales.options().dtype(type));
  for (std::int64_t begin = 0; begin < count; begin += piece) {
    const std::int64_t end = std::min(begin + piece, count), blocks = (end - begin + 63) / 64;
    at::Tensor values = table.index_select(0, codes.slice(0, begin / 2, (end + 1) / 2).to(at::kInt)).view(-1);
    if (const std::int64_t lacking = blocks * 64 - values.size(0); lacking > 0)
      values = at::constant_pad_nd(values, {0, lacking});
    at::Tensor part = result.narrow(0, begin / 64, blocks);
    // In float32, rounded when stored.
    at::mul_out(part, values.view({blocks, 64}), scales.narrow(0, begin / 64, blocks).unsqueeze(1));
  }
  return result.view(-1).slice(0, 0, count).view({rows, columns});
}

Nf4Matrix Nf4Matrix::to(at::Device device) const {
  return {codes.to(device), scales.to(device), rows, columns, device.is_cpu() ? at::Tensor() : level_pairs().to(device),
          by_bfloat16};
}

Nf4Matrix to_nf4(const at::Tensor& weight) {
  const at::Tensor values = weight.detach().to(at::kCPU, at::kFloat).contiguous();
  const std::int64_t count = values.numel();
  Nf4Matrix matrix{at::empty({(count + 1) / 2}, at::kByte), at::empty({(count + 63) / 64}, at::kFloat), weight.size(0),
                   weight.size(1)};
  pack_nf4(values.const_data_ptr<float>(), count, matrix.codes.mutable_data_ptr<std::uint8_t>(),
           matrix.scales.mutable_data_ptr<float>());
  return weight.is_cpu() ? matrix : matrix.to(weight.device());
}

at::Tensor nf4_product(const at::Tensor& x, const Nf4Matrix& weight, const at::Tensor& bias, bool transposed) {
  const bool history = c10::GradMode::is_enabled() && (x.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (!history) return product(x, weight, bias, transposed);
  return Nf4Product::apply(x, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt, weight, transposed);
}

}  // namespace lethe
