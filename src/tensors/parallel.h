// Pieces of a tensor's work shared out among the engine's threads.
#pragma once

#include <cstdint>
#include <functional>

namespace lethe {

/// action(i) for i in [0, count), consecutive ones in one thread; operations of the engine within are of one thread.
/// What an action throws is thrown here. (at::parallel_for, which is no more than a loop where a file is compiled
/// without OpenMP, as all others are.)
void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& action);

}  // namespace lethe
