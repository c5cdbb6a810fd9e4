// The arithmetic of stage 2 in one pass, for two checkpoints of the same dtype.
#pragma once

#include <cstddef>

#include "formats/dtype.h"

namespace lethe {

/// Whether this CPU has what the kernel needs (AVX2 and F16C), and the type is bf16, f16 or f32.
bool has_negate_kernel(DType type);

/// result = θ_o − α·(θ − θ_o), each step in float32, rounded once to the type (to nearest, ties to even). Equals
/// separate operations bit for bit.
/// @param original, tuned, result  `count` values each; result must not alias the others
/// @return whether all results are finite
bool negate_kernel(DType type, const std::byte* original, const std::byte* tuned, float alpha, std::byte* result,
                   std::size_t count);

}  // namespace lethe
