// Decoding multiplies a few rows with every weight of the model. A general product packs the weights first, which then
// costs as much as the arithmetic. Here each block of weights is read once and used for all rows, while the next block
// is prefetched.
#include "kernels/skinny_gemm.h"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace lethe {
namespace {

#if defined(__x86_64__)

typedef std::uint16_t Narrow __attribute__((vector_size(32)));
typedef std::uint32_t Wide __attribute__((vector_size(64)));

/// Numbers of bfloat16 as float32, while those after them are prefetched.
[[gnu::always_inline]] inline void widen(const std::uint16_t* numbers, std::int64_t count, const std::uint16_t* next,
                                         float* wide) {
  constexpr std::int64_t step = 16;
  std::int64_t i = 0;
  for (; i + step <= count; i += step) {
    __builtin_prefetch(next + i, 0, 3);
    Narrow narrow;
    std::memcpy(&narrow, numbers + i, sizeof(narrow));
    const Wide bits = __builtin_convertvector(narrow, Wide) << 16;
    std::memcpy(wide + i, &bits, sizeof(bits));
  }
  for (; i < count; ++i) wide[i] = std::bit_cast<float>(std::uint32_t{numbers[i]} << 16);
}

/// Sums of one row block times one weight block in registers: Rows × Weights vectors of `Bytes` bytes.
template <int Bytes>
struct SkinnyGemm {
  typedef float Lanes __attribute__((vector_size(Bytes), aligned(4)));
  static constexpr std::int64_t lanes = Bytes / sizeof(float);

  /// Splits a followed by b into groups of `Group` numbers, and adds each second group to the one before it.
  template <int Group, int... Places>
  [[gnu::always_inline]] static inline void add_groups(const Lanes& a, const Lanes& b, Lanes& sums,
                                                       std::integer_sequence<int, Places...>) {
    sums = __builtin_shufflevector(a, b, (Places / Group * 2 * Group + Places % Group)...) +
           __builtin_shufflevector(a, b, ((Places / Group * 2 + 1) * Group + Places % Group)...);
  }

  /// Sums each vector's numbers by adding halves until one number is left. One addition serves two vectors.
  /// @param found  Count sums, padded to whole vectors
  template <int Group, int Count>
  [[gnu::always_inline]] static inline void add_up(const Lanes* vectors, float* found) {
    constexpr int half = (Count + 1) / 2;
    Lanes halves[half];
    for (int v = 0; v < half; ++v)
      add_groups<Group>(vectors[2 * v], vectors[2 * v + 1 < Count ? 2 * v + 1 : 2 * v], halves[v],
                        std::make_integer_sequence<int, static_cast<int>(lanes)>());
    if constexpr (Group > 1)
      add_up<Group / 2, half>(halves, found);
    else
      std::memcpy(found, halves, sizeof(halves));
  }

  template <int Rows, int Weights>
  [[gnu::always_inline]] static inline void block(const float* x, const float* w, std::int64_t k, float* y,
                                                  std::int64_t n, const float* next, std::int64_t fetch) {
    Lanes sums[Rows][Weights] = {};
    std::int64_t i = 0;
    for (; i + lanes <= k; i += lanes) {
      for (std::int64_t f = 0; f < fetch; f += 16) __builtin_prefetch(next + f, 0, 3);
      next += fetch;
      Lanes weights[Weights];
      for (int c = 0; c < Weights; ++c) weights[c] = *reinterpret_cast<const Lanes*>(w + c * k + i);
      for (int r = 0; r < Rows; ++r) {
        const Lanes row = *reinterpret_cast<const Lanes*>(x + r * k + i);
        for (int c = 0; c < Weights; ++c) sums[r][c] += row * weights[c];
      }
    }
    constexpr int count = Rows * Weights;
    float found[(count + lanes - 1) / lanes * lanes];
    add_up<lanes / 2, count>(&sums[0][0], found);
    for (int r = 0; r < Rows; ++r) {
      for (int c = 0; c < Weights; ++c) {
        float sum = found[r * Weights + c];
        for (std::int64_t j = i; j < k; ++j) sum += x[r * k + j] * w[c * k + j];
        y[r * n + c] = sum;
      }
    }
  }

  /// Weights begin … end of w in bfloat16, for all rows. A block of them is widened once for all rows.
  template <int Rows, int Weights>
  [[gnu::always_inline]] static inline void range(const float* x, std::int64_t rows, const std::uint16_t* w,
                                                  std::int64_t k, float* y, std::int64_t n, std::int64_t begin,
                                                  std::int64_t end) {
    std::vector<float> wide(static_cast<std::size_t>(Weights * k));
    std::int64_t c = begin;
    for (; c + Weights <= end; c += Weights) {
      widen(w + c * k, Weights * k, w + std::min(c + Weights, n - Weights) * k, wide.data());
      std::int64_t r = 0;
      for (; r + Rows <= rows; r += Rows)
        block<Rows, Weights>(x + r * k, wide.data(), k, y + r * n + c, n, wide.data(), 0);
      for (; r < rows; ++r) block<1, Weights>(x + r * k, wide.data(), k, y + r * n + c, n, wide.data(), 0);
    }
    for (; c < end; ++c) {
      widen(w + c * k, k, w + c * k, wide.data());
      for (std::int64_t r = 0; r < rows; ++r) block<1, 1>(x + r * k, wide.data(), k, y + r * n + c, n, wide.data(), 0);
    }
  }

  /// Weights begin … end of w, for all rows.
  template <int Rows, int Weights>
  [[gnu::always_inline]] static inline void range(const float* x, std::int64_t rows, const float* w, std::int64_t k,
                                                  float* y, std::int64_t n, std::int64_t begin, std::int64_t end) {
    // While a block is multiplied with a group of rows, a share of the next block is prefetched, 64 bytes at a time.
    const std::int64_t groups = (rows + Rows - 1) / Rows;
    const std::int64_t fetch = (Weights * lanes / groups + 15) / 16 * 16, share = fetch * (k / lanes);
    std::int64_t c = begin;
    for (; c + Weights <= end; c += Weights) {
      const float* next = w + std::min(c + Weights, n - Weights) * k;  // n ≥ Weights here
      std::int64_t r = 0;
      for (; r + Rows <= rows; r += Rows, next += share)
        block<Rows, Weights>(x + r * k, w + c * k, k, y + r * n + c, n, next, fetch);
      for (; r < rows; ++r) block<1, Weights>(x + r * k, w + c * k, k, y + r * n + c, n, next, 0);
    }
    for (; c < end; ++c) {
      for (std::int64_t r = 0; r < rows; ++r) block<1, 1>(x + r * k, w + c * k, k, y + r * n + c, n, w, 0);
    }
  }
};

template <class Weight>
using Range = void (*)(const float*, std::int64_t, const Weight*, std::int64_t, float*, std::int64_t, std::int64_t,
                       std::int64_t);

// The blocks fit the registers: 24 + 7 of 32 (AVX-512), 8 + 5 of 16 (AVX2).
template <class Weight>
[[gnu::target("avx512f")]] void range_avx512(const float* x, std::int64_t rows, const Weight* w, std::int64_t k,
                                             float* y, std::int64_t n, std::int64_t begin, std::int64_t end) {
  SkinnyGemm<64>::range<4, 6>(x, rows, w, k, y, n, begin, end);
}

template <class Weight>
[[gnu::target("avx2,fma")]] void range_avx2(const float* x, std::int64_t rows, const Weight* w, std::int64_t k,
                                            float* y, std::int64_t n, std::int64_t begin, std::int64_t end) {
  SkinnyGemm<32>::range<2, 4>(x, rows, w, k, y, n, begin, end);
}

template <class Weight>
Range<Weight> kernel() {
  if (__builtin_cpu_supports("avx512f")) return range_avx512<Weight>;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return range_avx2<Weight>;
  return nullptr;
}

#else

template <class Weight>
using Range = void (*)(const float*, std::int64_t, const Weight*, std::int64_t, float*, std::int64_t, std::int64_t,
                       std::int64_t);
template <class Weight>
Range<Weight> kernel() {
  return nullptr;
}

#endif

float rounded_to_bfloat16(float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return number;  // NaN
  return std::bit_cast<float>((bits + 0x7fffU + (bits >> 16 & 1U)) & 0xffff0000U);
}

template <class Weight>
void multiply(const float* x, std::int64_t rows, const Weight* w, std::int64_t k, float* y, std::int64_t n) {
  static const Range<Weight> range = kernel<Weight>();
  // More threads pay off from some hundred thousand products.
  const bool small = rows * k * n < (std::int64_t{1} << 18);
#pragma omp parallel if (!small)
  {
    const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const std::int64_t share = ((n + threads - 1) / threads + 23) / 24 * 24;  // whole blocks of weights
    const std::int64_t begin = std::min(n, thread * share), end = std::min(n, begin + share);
    if (begin < end) range(x, rows, w, k, y, n, begin, end);
  }
}

}  // namespace

bool has_skinny_gemm() {
  return kernel<float>() != nullptr;
}

void skinny_gemm(const float* x, std::int64_t rows, const float* w, std::int64_t k, float* y, std::int64_t n) {
  multiply(x, rows, w, k, y, n);
}

void skinny_gemm(const float* x, std::int64_t rows, const std::uint16_t* w, std::int64_t k, float* y, std::int64_t n) {
  std::vector<float> rounded(static_cast<std::size_t>(rows * k));
  std::transform(x, x + rows * k, rounded.begin(), rounded_to_bfloat16);
  multiply(rounded.data(), rows, w, k, y, n);
}

}  // namespace lethe
