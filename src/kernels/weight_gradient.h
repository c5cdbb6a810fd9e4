// The gradient of a weight of a linear map: a sum over tokens of outer products.
#pragma once

#include <cstdint>

namespace lethe {

/// AMD with AVX-512, for which MKL has but AVX2 kernels: there products gain by oneDNN (products.h), and gradients of
/// weights by the kernel below, since oneDNN packs a transposed factor slowly (bench/kernels.cpp). The kernel runs on
/// no other CPU.
bool mkl_lacks_avx512();

/// Floats that weight_gradient() needs as its workspace.
std::int64_t weight_gradient_workspace();

/// out = Gᵀ·X, or out += Gᵀ·X, in float32. A sum is made in the same order whatever the number of threads.
/// @param g          [tokens, n], row after row
/// @param x          [tokens, k]
/// @param out        [n, k], written or added to
/// @param workspace  weight_gradient_workspace() floats
void weight_gradient(const float* g, const float* x, std::int64_t tokens, std::int64_t n, std::int64_t k, float* out,
                     bool add, float* workspace);

}  // namespace lethe
