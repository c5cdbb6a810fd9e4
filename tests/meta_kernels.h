// Meta-device kernels for operators that have none in LibTorch. Tensors on the meta device have no values, so tests use
// it to prove that a computation never waits for a value. Include this once in a test program.
#pragma once

#include <ATen/ATen.h>
#include <torch/library.h>

#include <optional>
#include <tuple>

namespace lethe {

TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("index_select", [](const at::Tensor& self, std::int64_t dimension, const at::Tensor& index) {
    auto sizes = self.sizes().vec();
    sizes.at(static_cast<std::size_t>(dimension)) = index.numel();
    return at::empty(sizes, self.options());
  });
  library.impl("abs.out", [](const at::Tensor& self, at::Tensor& out) -> at::Tensor& {
    out.resize_(self.sizes());
    return out;
  });
  library.impl("embedding_dense_backward",
               [](const at::Tensor& gradient, const at::Tensor&, std::int64_t rows, std::int64_t, bool) {
                 return at::empty({rows, gradient.size(-1)}, gradient.options());
               });
  library.impl("log_sigmoid_forward",
               [](const at::Tensor& self) { return std::tuple(at::empty_like(self), at::empty_like(self)); });
  library.impl("log_sigmoid_backward",
               [](const at::Tensor&, const at::Tensor& self, const at::Tensor&) { return at::empty_like(self); });
  library.impl("_fused_adamw_", [](at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                                   at::TensorList, double, double, double, double, double, bool, bool,
                                   const std::optional<at::Tensor>&, const std::optional<at::Tensor>&) {});
}

}  // namespace lethe
