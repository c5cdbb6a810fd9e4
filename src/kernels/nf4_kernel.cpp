// Compiled with OpenMP, whose threads are the engine's (cmake/Engine.cmake).
#include "kernels/nf4_kernel.h"

#include <algorithm>
#include <cmath>

#include "kernels/nf4_levels.h"

namespace lethe {
namespace {

constexpr std::int64_t block = 64;

// The level nearest to a value in [−1, 1]; ties go to the lower one.
std::uint8_t nearest_level(float value) {
  std::uint8_t code = 0;
  for (std::size_t i = 0; i + 1 < nf4_levels.size(); ++i)
    code += value > (nf4_levels[i] + nf4_levels[i + 1]) / 2 ? 1 : 0;
  return code;
}

}  // namespace

void unpack_nf4(const std::uint8_t* codes, const float* scales, std::int64_t count, float* out) {
  const std::int64_t blocks = (count + block - 1) / block;
#pragma omp parallel for schedule(static) if (blocks > 1024)
  for (std::int64_t b = 0; b < blocks; ++b) {
    float level[16];
    for (int i = 0; i < 16; ++i) level[i] = nf4_levels[static_cast<std::size_t>(i)] * scales[b];
    const std::int64_t begin = b * block, size = std::min(block, count - begin);
    for (std::int64_t i = 0; i < size; ++i) {
      const std::uint8_t pair = codes[(begin + i) / 2];
      out[begin + i] = level[i % 2 == 0 ? pair >> 4 : pair & 15];
    }
  }
}

void pack_nf4(const float* weights, std::int64_t count, std::uint8_t* codes, float* scales) {
  const std::int64_t blocks = (count + block - 1) / block;
#pragma omp parallel for schedule(static) if (blocks > 64)
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t begin = b * block, size = std::min(block, count - begin);
    float largest = 0;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max(largest, std::fabs(weights[begin + i]));
    scales[b] = largest;
    const float inverse = largest > 0 ? 1 / largest : 0;
    for (std::int64_t i = 0; i < size; i += 2) {
      const std::uint8_t first = nearest_level(weights[begin + i] * inverse);
      const std::uint8_t second = i + 1 < size ? nearest_level(weights[begin + i + 1] * inverse) : nearest_level(0);
      codes[(begin + i) / 2] = static_cast<std::uint8_t>(first << 4 | second);
    }
  }
}

}  // namespace lethe
