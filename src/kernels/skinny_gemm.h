// The product of a few rows with a large weight. Decoding needs a hundred of them per token.
#pragma once

#include <cstdint>

namespace lethe {

/// Whether this CPU has the kernel (x86 with AVX-512, or with AVX2 and FMA).
bool has_skinny_gemm();

/// y = x·Wᵀ in float32, reading each weight once. The order of summation depends neither on the rows nor on the
/// threads, so a row's result does not depend on the rest of the batch.
/// @param x  [rows, k], row after row
/// @param w  [n, k]
/// @param y  [rows, n], written
void skinny_gemm(const float* x, std::int64_t rows, const float* w, std::int64_t k, float* y, std::int64_t n);

/// The same with weights in bfloat16. x is rounded to bfloat16 too, as in the product of many rows
/// (nn/bfloat16_product.h); sums are float32. Requires has_bfloat16_instructions() (kernels/bfloat16_panel.h).
/// @param w  [n, k], bits of bfloat16
void skinny_gemm(const float* x, std::int64_t rows, const std::uint16_t* w, std::int64_t k, float* y, std::int64_t n);

}  // namespace lethe
