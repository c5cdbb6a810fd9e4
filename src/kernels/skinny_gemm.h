// The product of a handful of rows with a large weight, as decoding needs it a hundred times a token.
#pragma once

#include <cstdint>

namespace lethe {

/// Whether this CPU has the kernel (x86 with AVX-512, or with AVX2 and FMA).
bool has_skinny_gemm();

/// y = x·Wᵀ in float32, each weight read once. A dot product is summed in the same order whatever the number of rows
/// and threads, so that a row's result does not depend on what is computed beside it.
/// @param x  [rows, k], row after row
/// @param w  [n, k]
/// @param y  [rows, n], written
void skinny_gemm(const float* x, std::int64_t rows, const float* w, std::int64_t k, float* y, std::int64_t n);

}  // namespace lethe
