// Splits the work on a tensor among LibTorch's threads.
#pragma once

#include <cstdint>
#include <functional>

namespace lethe {

/// Calls action(i) for i in [0, count), consecutive ones in one thread. LibTorch's operations inside run on one thread.
/// Rethrows what an action throws. (Wraps at::parallel_for, which is a plain loop in files compiled without OpenMP, as
/// all others are.)
void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& action);

}  // namespace lethe
