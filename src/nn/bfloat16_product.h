// Products in bfloat16 on CPUs with instructions for it: float32 activations, bfloat16 weights, float32 sums.
#pragma once

#include <ATen/ATen.h>

namespace lethe {

/// Whether this CPU has the instructions (AVX512_BF16 or AMX) and LibTorch's oneDNN uses them.
bool multiplies_bfloat16();

/// The type of a model's activations: that of its weights, but float32 for bfloat16 weights on a CPU that
/// multiplies_bfloat16(). There only the factors of products with weights are rounded to bfloat16. Norms, attention,
/// losses and adapters compute in float32, where they are faster and more exact.
at::ScalarType activation_type(at::Device device, at::ScalarType weights);

/// Whether a product of these two is one for bfloat16_product_into(): one factor is bfloat16, the other float32.
bool mixes_bfloat16(const at::Tensor& a, const at::Tensor& b);

/// Up to this many rows, skinny_gemm() (kernels/skinny_gemm.h) is faster than the product below.
std::int64_t skinny_rows_of_bfloat16();

/// out = a·b or out += a·b, not recorded by autograd. Factors of another type are rounded to bfloat16. A row of the
/// result depends neither on the other rows nor on the number of threads.
/// @param a, b  [M, K], [K, N], views of matrices or of transposed ones
/// @param out   [M, N] float32, contiguous, written or added to
void bfloat16_product_into(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool add);
/// The same into a new tensor [M, N].
at::Tensor bfloat16_product(const at::Tensor& a, const at::Tensor& b);

}  // namespace lethe
