// Products of activations with a weight, each by the fastest way there is for its shape and this CPU.
#pragma once

#include <ATen/ATen.h>

namespace lethe {

/// y = x·Wᵀ + bias, differentiable in all three.
/// @param x       [T, K]
/// @param weight  [N, K]
/// @param bias    [N], or undefined
/// @return        [T, N]
at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// g·W without a history. @param g [T, N] @param weight [N, K] @return [T, K]
at::Tensor times(const at::Tensor& g, const at::Tensor& weight);

/// Gᵀ·X, a weight's gradient, without a history. @param g [T, N] @param x [T, K] @return [N, K]
at::Tensor transposed_times(const at::Tensor& g, const at::Tensor& x);

/// The same, written to `out` or added to it. @param out [N, K] of the factors' type
void transposed_times_into(const at::Tensor& out, const at::Tensor& g, const at::Tensor& x, bool add);

/// Whether products of float32 matrices go to oneDNN, the engine's second library: on AMD CPUs with AVX-512, for which
/// MKL has but AVX2 kernels. bench/kernels.cpp measures both.
bool prefers_onednn();

/// Up to so many rows skinny_gemm() (skinny_rows.h) is the fastest where there is no history.
constexpr std::int64_t skinny_rows = 32;

}  // namespace lethe
