// Products of activations with a weight, by the fastest kernel for the shape and the CPU. float32 activations may meet
// bfloat16 weights where mixes_bfloat16() (nn/bfloat16_product.h): the result is float32, each factor is rounded.
#pragma once

#include <ATen/ATen.h>

namespace lethe {

/// y = x·Wᵀ + bias, differentiable in all three.
/// @param x       [T, K]
/// @param weight  [N, K]
/// @param bias    [N], or undefined
/// @return        [T, N]
at::Tensor matmul_nt(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// g·W, not recorded by autograd. @param g [T, N] @param weight [N, K] @return [T, K]
at::Tensor matmul_nn(const at::Tensor& g, const at::Tensor& weight);

/// Gᵀ·X, a weight's gradient, not recorded by autograd. @param g [T, N] @param x [T, K] @return [N, K]
at::Tensor matmul_tn(const at::Tensor& g, const at::Tensor& x);

/// The same, written to `out` or added to it. @param out [N, K] of the factors' type, or float32
void matmul_tn_into(const at::Tensor& out, const at::Tensor& g, const at::Tensor& x, bool add);

/// Whether float32 products use oneDNN instead of MKL: on AMD CPUs with AVX-512, for which MKL has only AVX2 kernels.
/// bench/kernels.cpp measures both.
bool prefers_onednn();

/// Up to this many rows, skinny_gemm() (kernels/skinny_gemm.h) is the fastest if autograd records nothing.
constexpr std::int64_t skinny_rows = 32;

}  // namespace lethe
