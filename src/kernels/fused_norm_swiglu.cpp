#include "kernels/fused_norm_swiglu.h"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>

// One function for each generation of x86, chosen when the program is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LETHE_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define LETHE_CLONES
#endif

namespace lethe {
namespace {

constexpr std::int64_t part_rows = 64;           // rows per task, and per partial weight gradient
constexpr std::int64_t strip = 1 << 13;          // numbers per task
constexpr std::int64_t worth_threads = 1 << 14;  // numbers from which more threads pay off

/// e^x for |x| ≤ 87, to 2 units in the last place: 2ⁿ·e^r, |r| ≤ ln 2 / 2, e^r by its series (Cephes' coefficients).
[[gnu::always_inline]] inline float exponential(float x) {
  constexpr float whole = 12582912.0f;  // 1.5·2²³: adding it leaves the whole number in the last bits
  const float shifted = x * 1.44269504f + whole, n = shifted - whole;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127) << 23);
}

/// σ(x), with x clamped to ±87; NaN stays NaN.
[[gnu::always_inline]] inline float sigmoid(float x) {
  const float bounded = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
  return 1.0f / (1.0f + exponential(-bounded));
}

LETHE_CLONES void norm_range(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float epsilon,
                             float* inverse, float* y) {
  for (std::int64_t t = 0; t < rows; ++t, x += width, y += width) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < width; ++i) squares += x[i] * x[i];
    const float r = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
    inverse[t] = r;
    for (std::int64_t i = 0; i < width; ++i) y[i] = x[i] * r * weight[i];
  }
}

LETHE_CLONES void norm_range_again(const float* x, const float* weight, const float* inverse, std::int64_t rows,
                                   std::int64_t width, float* y) {
  for (std::int64_t t = 0; t < rows; ++t, x += width, y += width) {
    const float r = inverse[t];
    for (std::int64_t i = 0; i < width; ++i) y[i] = x[i] * r * weight[i];
  }
}

LETHE_CLONES void norm_range_back(const float* g, const float* x, const float* weight, const float* inverse,
                                  std::int64_t rows, std::int64_t width, float* grad_x, float* grad_weight) {
  if (grad_weight != nullptr) std::fill_n(grad_weight, width, 0.0f);
  for (std::int64_t t = 0; t < rows; ++t, g += width, x += width, grad_x += width) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < width; ++i) sum += g[i] * weight[i] * x[i];
    const float r = inverse[t], pull = r * r * r * (sum / static_cast<float>(width));
    for (std::int64_t i = 0; i < width; ++i) grad_x[i] = g[i] * weight[i] * r - x[i] * pull;
    if (grad_weight == nullptr) continue;
    for (std::int64_t i = 0; i < width; ++i) grad_weight[i] += g[i] * x[i] * r;
  }
}

LETHE_CLONES void swiglu_range(const float* gate, const float* up, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

LETHE_CLONES void swiglu_range_back(const float* gate, const float* up, const float* g, std::int64_t count,
                                    float* __restrict grad_gate, float* __restrict grad_up) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float s = sigmoid(gate[i]);
    grad_gate[i] = g[i] * up[i] * s * (1.0f + gate[i] * (1.0f - s));
    grad_up[i] = g[i] * gate[i] * s;
  }
}

/// Calls action(first, last) for pieces of [0, count), in parallel if `parallel`.
template <class Action>
void for_pieces(std::int64_t count, std::int64_t piece, bool parallel, const Action& action) {
#pragma omp parallel for if (parallel) schedule(static)
  for (std::int64_t first = 0; first < count; first += piece) action(first, std::min(first + piece, count));
}

}  // namespace

void rms_norm_rows(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float epsilon,
                   float* inverse, float* y) {
  for_pieces(rows, part_rows, rows * width >= worth_threads, [&](std::int64_t first, std::int64_t last) {
    norm_range(x + first * width, weight, last - first, width, epsilon, inverse + first, y + first * width);
  });
}

void rms_norm_again(const float* x, const float* weight, const float* inverse, std::int64_t rows, std::int64_t width,
                    float* y) {
  for_pieces(rows, part_rows, rows * width >= worth_threads, [&](std::int64_t first, std::int64_t last) {
    norm_range_again(x + first * width, weight, inverse + first, last - first, width, y + first * width);
  });
}

std::int64_t rms_norm_parts(std::int64_t rows) {
  return (rows + part_rows - 1) / part_rows;
}

void rms_norm_backward(const float* g, const float* x, const float* weight, const float* inverse, std::int64_t rows,
                       std::int64_t width, float* grad_x, float* grad_weight) {
  for_pieces(rows, part_rows, rows * width >= worth_threads, [&](std::int64_t first, std::int64_t last) {
    norm_range_back(g + first * width, x + first * width, weight, inverse + first, last - first, width,
                    grad_x + first * width, grad_weight == nullptr ? nullptr : grad_weight + first / part_rows * width);
  });
}

void swiglu(const float* gate, const float* up, std::int64_t count, float* y) {
  for_pieces(count, strip, count >= worth_threads, [&](std::int64_t first, std::int64_t last) {
    swiglu_range(gate + first, up + first, last - first, y + first);
  });
}

void swiglu_backward(const float* gate, const float* up, const float* g, std::int64_t count, float* grad_gate,
                     float* grad_up) {
  for_pieces(count, strip, count >= worth_threads, [&](std::int64_t first, std::int64_t last) {
    swiglu_range_back(gate + first, up + first, g + first, last - first, grad_gate + first, grad_up + first);
  });
}

}  // namespace lethe
