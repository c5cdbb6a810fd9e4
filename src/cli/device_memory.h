// The message when a GPU's memory is full.
#pragma once

#include <string_view>

#include "core/error.h"

namespace lethe {

/// What was wanted, what was free, and what needs less.
/// @param engine  LibTorch's message: "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of …"
Error out_of_device_memory(std::string_view engine);

}  // namespace lethe
