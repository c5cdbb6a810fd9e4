// How long something took.
#pragma once

#include <chrono>

namespace lethe {

/// Seconds from the start until now.
inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace lethe
