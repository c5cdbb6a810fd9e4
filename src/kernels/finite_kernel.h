// Checks weights for NaN and infinity at the speed of memory; every checkpoint is checked before use.
#pragma once

#include <cstddef>

#include "formats/dtype.h"

namespace lethe {

/// Whether finite_kernel() supports the type.
bool has_finite_kernel(DType type);

/// Whether none of `count` values is NaN or infinite. Single-threaded; values must be aligned to their size.
bool finite_kernel(DType type, const std::byte* values, std::size_t count);

}  // namespace lethe
