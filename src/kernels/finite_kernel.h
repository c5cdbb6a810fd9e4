// Whether weights are numbers, told at the speed of memory: a checkpoint's are all asked before it is used.
#pragma once

#include <cstddef>

#include "formats/dtype.h"

namespace lethe {

/// Whether finite_kernel() knows the type.
bool has_finite_kernel(DType type);

/// Whether none of `count` values is NaN or infinite, in one thread. Values lie at multiples of their size.
bool finite_kernel(DType type, const std::byte* values, std::size_t count);

}  // namespace lethe
