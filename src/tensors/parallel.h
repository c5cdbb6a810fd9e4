// Splits the work on a tensor among LibTorch's threads.
#pragma once

#include <cstdint>
#include <functional>

namespace lethe {

/// Calls action(i) for i in [0, count), consecutive ones in one thread. LibTorch's operations inside run on one thread.
/// Rethrows what an action throws. (Both wrap at::parallel_for, which is a plain loop in files compiled without OpenMP,
/// as all others but src/kernels/ are.)
void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& action);

/// Calls action(begin, end) once for each thread's share of [0, count); a share has at least `least` numbers.
void in_parallel_shares(std::int64_t count, std::int64_t least,
                        const std::function<void(std::int64_t, std::int64_t)>& action);

}  // namespace lethe
