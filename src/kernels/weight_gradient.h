// The weight gradient of a linear map: a sum of outer products over tokens.
#pragma once

#include <cstdint>

namespace lethe {

/// Whether this is an AMD CPU with AVX-512, for which MKL has only AVX2 kernels. There, products use oneDNN
/// (nn/matmul.h). Weight gradients use the kernel below, since oneDNN packs a transposed factor slowly
/// (bench/kernels.cpp). The kernel runs on no other CPU.
bool mkl_lacks_avx512();

/// Size of weight_gradient()'s workspace, in floats.
std::int64_t weight_gradient_workspace();

/// out = Gᵀ·X, or out += Gᵀ·X, in float32. The order of summation does not depend on the threads.
/// @param g          [tokens, n], row after row
/// @param x          [tokens, k]
/// @param out        [n, k], written or added to
/// @param workspace  weight_gradient_workspace() floats
void weight_gradient(const float* g, const float* x, std::int64_t tokens, std::int64_t n, std::int64_t k, float* out,
                     bool add, float* workspace);

}  // namespace lethe
