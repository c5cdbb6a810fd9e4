// Compiled with OpenMP, whose threads are the engine's (cmake/Engine.cmake).
#include "kernels/decode_attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace lethe {
namespace {

using Head = void (*)(const DecodeAttention&, std::int64_t, std::int64_t, float*);

#if defined(__x86_64__)

template <int Bytes>
struct Attend {
  typedef float Lanes __attribute__((vector_size(Bytes), aligned(4)));
  typedef std::int32_t Whole __attribute__((vector_size(Bytes), aligned(4)));
  static constexpr std::int64_t lanes = Bytes / sizeof(float);

  // References: how a vector is passed by value depends on the enabled instructions.
  [[gnu::always_inline]] static inline const Lanes& load(const float* from) {
    return *reinterpret_cast<const Lanes*>(from);
  }
  [[gnu::always_inline]] static inline void store(float* to, const Lanes& value) {
    *reinterpret_cast<Lanes*>(to) = value;
  }

  [[gnu::always_inline]] static inline float sum(const Lanes& value) {
    float part[lanes];
    store(part, value);
    for (std::int64_t half = lanes / 2; half > 0; half /= 2) {
      for (std::int64_t j = 0; j < half; ++j) part[j] += part[j + half];
    }
    return part[0];
  }

  [[gnu::always_inline]] static inline float dot(const float* a, const float* b, std::int64_t d) {
    Lanes sums = {};
    std::int64_t i = 0;
    for (; i + lanes <= d; i += lanes) sums += load(a + i) * load(b + i);
    float result = sum(sums);
    for (; i < d; ++i) result += a[i] * b[i];
    return result;
  }

  /// Replaces x ≤ 0 by e^x, to two units in the last place: 2^n·e^r with |r| ≤ ln 2 / 2, e^r by its series (Cephes'
  /// expf).
  [[gnu::always_inline]] static inline void exponential(Lanes& x) {
    x = x < -87.0F ? (Lanes{} - 87.0F) : x;
    constexpr float magic = 12582912.0F;  // 1.5·2²³: adding to it rounds to a whole number, in the last bits
    const Lanes marked = x * 1.44269504F + magic, n = marked - magic;
    const Lanes r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    Lanes p = Lanes{} + 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    Whole power;
    std::memcpy(&power, &marked, sizeof power);
    power = (power - 0x4B400000 + 127) << 23;
    Lanes scale;
    std::memcpy(&scale, &power, sizeof scale);
    x = p * scale;
  }

  /// One key head of one row, and the query heads that share it.
  [[gnu::always_inline]] static inline void head(const DecodeAttention& s, std::int64_t row, std::int64_t g,
                                                 float* scores) {
    const std::int64_t d = s.dim, length = s.lengths[row], group = s.heads / s.key_heads;
    float* keys = s.keys + (row * s.key_heads + g) * s.capacity * d;
    float* values = s.values + (row * s.key_heads + g) * s.capacity * d;
    std::copy_n(s.k + (row * s.key_heads + g) * d, d, keys + length * d);
    std::copy_n(s.v + (row * s.key_heads + g) * d, d, values + length * d);
    const std::int64_t first = s.window > 0 ? std::max<std::int64_t>(0, length + 1 - s.window) : 0;
    const std::int64_t count = length + 1 - first;
    for (std::int64_t h = g * group; h < (g + 1) * group; ++h) {
      const float* q = s.q + (row * s.heads + h) * d;
      float* out = s.out + (row * s.heads + h) * d;
      float largest = -HUGE_VALF;
      for (std::int64_t j = 0; j < count; ++j) {
        scores[j] = s.scale * dot(q, keys + (first + j) * d, d);
        largest = std::max(largest, scores[j]);
      }
      // Pad to whole vectors with scores of weight 0.
      const std::int64_t whole = (count + lanes - 1) / lanes * lanes;
      for (std::int64_t j = count; j < whole; ++j) scores[j] = -HUGE_VALF;
      Lanes totals = {};
      for (std::int64_t j = 0; j < whole; j += lanes) {
        const Lanes score = load(scores + j);
        Lanes weight = score - largest;
        exponential(weight);
        const Lanes kept = score == -HUGE_VALF ? Lanes{} : weight;
        store(scores + j, kept);
        totals += kept;
      }
      const float scale = 1.0F / sum(totals);
      constexpr std::int64_t wide = 4 * lanes;
      std::int64_t i = 0;
      for (; i + wide <= d; i += wide) {
        Lanes sums[4] = {};
        for (std::int64_t j = 0; j < count; ++j) {
          for (int c = 0; c < 4; ++c) sums[c] += scores[j] * load(values + (first + j) * d + i + c * lanes);
        }
        for (int c = 0; c < 4; ++c) store(out + i + c * lanes, sums[c] * scale);
      }
      for (; i + lanes <= d; i += lanes) {
        Lanes sums = {};
        for (std::int64_t j = 0; j < count; ++j) sums += scores[j] * load(values + (first + j) * d + i);
        store(out + i, sums * scale);
      }
      for (; i < d; ++i) {
        float sums = 0;
        for (std::int64_t j = 0; j < count; ++j) sums += scores[j] * values[(first + j) * d + i];
        out[i] = sums * scale;
      }
    }
  }
};

[[gnu::target("avx512f")]] void head_avx512(const DecodeAttention& step, std::int64_t row, std::int64_t g,
                                            float* scores) {
  Attend<64>::head(step, row, g, scores);
}

[[gnu::target("avx2,fma")]] void head_avx2(const DecodeAttention& step, std::int64_t row, std::int64_t g,
                                           float* scores) {
  Attend<32>::head(step, row, g, scores);
}

Head kernel() {
  return __builtin_cpu_supports("avx512f") ? head_avx512 : head_avx2;
}

#else

Head kernel() {
  return nullptr;
}

#endif

}  // namespace

void decode_attention(const DecodeAttention& step) {
  static const Head head = kernel();
  constexpr std::int64_t kLanes = 16;
  const std::int64_t longest = *std::max_element(step.lengths, step.lengths + step.rows) + 1;
  const std::int64_t pairs = step.rows * step.key_heads;
  // More threads pay off from some hundred thousand products.
  const bool small = pairs * longest * step.dim * (step.heads / step.key_heads) < (std::int64_t{1} << 17);
#pragma omp parallel if (!small)
  {
    std::vector<float> scores(static_cast<std::size_t>((longest + kLanes) / kLanes * kLanes));
#pragma omp for schedule(dynamic, 4)
    for (std::int64_t pair = 0; pair < pairs; ++pair)
      head(step, pair / step.key_heads, pair % step.key_heads, scores.data());
  }
}

}  // namespace lethe
