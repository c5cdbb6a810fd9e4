// Decoding multiplies a few rows with every weight of the model. A general product packs the weights first, which then
// costs as much as the arithmetic. Here each block of weights is read once and used for all rows, while the next block
// is prefetched.
#include "kernels/skinny_gemm.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels/bfloat16_panel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lethe {
namespace {

constexpr int kIntoL2 = 2;  // prefetching into L1 runs out of its few buffers

/// Products of some rows of x with some weights. @param next  prefetched, `fetch` numbers with each vector of weights
template <class Number>
using Block = void (*)(const Number* x, const Number* w, std::int64_t k, float* y, std::int64_t n, const Number* next,
                       std::int64_t fetch);

template <class Number>
struct Kernel {
  std::int64_t rows = 0, weights = 0;                           ///< of a whole block
  std::int64_t lanes = 0;                                       ///< numbers in a vector
  Block<Number> whole = nullptr, row = nullptr, one = nullptr;  ///< rows × weights, 1 × weights, 1 × 1
};

#if defined(__x86_64__)

/// Sums of vectors of `Bytes` bytes.
template <int Bytes>
struct Sums {
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

  /// @param found  Rows × Weights sums, padded to whole vectors
  template <int Rows, int Weights>
  [[gnu::always_inline]] static inline void store(const float* found, float* y, std::int64_t n) {
    for (int r = 0; r < Rows; ++r) std::copy_n(found + r * Weights, Weights, y + r * n);
  }

  /// A block in float32, with Rows × Weights sums in registers.
  template <int Rows, int Weights>
  [[gnu::always_inline]] static inline void block(const float* x, const float* w, std::int64_t k, float* y,
                                                  std::int64_t n, const float* next, std::int64_t fetch) {
    Lanes sums[Rows][Weights] = {};
    std::int64_t i = 0;
    for (; i + lanes <= k; i += lanes) {
      for (std::int64_t f = 0; f < fetch; f += 16) __builtin_prefetch(next + f, 0, kIntoL2);
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
        for (std::int64_t j = i; j < k; ++j) found[r * Weights + c] += x[r * k + j] * w[c * k + j];
      }
    }
    store<Rows, Weights>(found, y, n);
  }
};

// The blocks fit the registers: 24 + 7 of 32 (AVX-512), 8 + 5 of 16 (AVX2).
template <int Rows, int Weights>
[[gnu::target("avx512f")]] void block_avx512(const float* x, const float* w, std::int64_t k, float* y, std::int64_t n,
                                             const float* next, std::int64_t fetch) {
  Sums<64>::block<Rows, Weights>(x, w, k, y, n, next, fetch);
}

template <int Rows, int Weights>
[[gnu::target("avx2,fma")]] void block_avx2(const float* x, const float* w, std::int64_t k, float* y, std::int64_t n,
                                            const float* next, std::int64_t fetch) {
  Sums<32>::block<Rows, Weights>(x, w, k, y, n, next, fetch);
}

/// In bfloat16: an instruction multiplies 32 pairs of numbers and adds them up in float32, two pairs in a sum.
template <int Rows, int Weights>
[[gnu::target("avx512f,avx512bw,avx512bf16")]] void block_bfloat16(const std::uint16_t* x, const std::uint16_t* w,
                                                                   std::int64_t k, float* y, std::int64_t n,
                                                                   const std::uint16_t* next, std::int64_t fetch) {
  constexpr std::int64_t lanes = 32;
  __m512 sums[Rows][Weights] = {};
  for (std::int64_t i = 0; i < k; i += lanes) {
    for (std::int64_t f = 0; f < fetch; f += lanes) __builtin_prefetch(next + f, 0, kIntoL2);
    next += fetch;
    const __mmask32 within = k - i >= lanes ? ~0U : (1U << (k - i)) - 1;
    __m512bh weights[Weights];
    for (int c = 0; c < Weights; ++c) weights[c] = __m512bh(_mm512_maskz_loadu_epi16(within, w + c * k + i));
    for (int r = 0; r < Rows; ++r) {
      const auto row = __m512bh(_mm512_maskz_loadu_epi16(within, x + r * k + i));
      for (int c = 0; c < Weights; ++c) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], row, weights[c]);
    }
  }
  constexpr int count = Rows * Weights;
  Sums<64>::Lanes vectors[count];
  std::memcpy(vectors, sums, sizeof(sums));
  float found[(count + 15) / 16 * 16];
  Sums<64>::add_up<8, count>(vectors, found);
  Sums<64>::store<Rows, Weights>(found, y, n);
}

Kernel<float> kernel(const float* /*weights*/) {
  if (__builtin_cpu_supports("avx512f")) return {4, 6, 16, block_avx512<4, 6>, block_avx512<1, 6>, block_avx512<1, 1>};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {2, 4, 8, block_avx2<2, 4>, block_avx2<1, 4>, block_avx2<1, 1>};
  return {};
}

Kernel<std::uint16_t> kernel(const std::uint16_t* /*weights*/) {
  return {4, 6, 32, block_bfloat16<4, 6>, block_bfloat16<1, 6>, block_bfloat16<1, 1>};
}

#else

template <class Number>
Kernel<Number> kernel(const Number* /*weights*/) {
  return {};
}

#endif

/// Weights begin … end of w, for all rows.
template <class Number>
void range(const Kernel<Number>& kernel, const Number* x, std::int64_t rows, const Number* w, std::int64_t k, float* y,
           std::int64_t n, std::int64_t begin, std::int64_t end) {
  // While a block is multiplied with a group of rows, a share of the next block is prefetched, 64 bytes at a time.
  constexpr std::int64_t line = 64 / sizeof(Number);
  const std::int64_t groups = (rows + kernel.rows - 1) / kernel.rows;
  const std::int64_t fetch = (kernel.weights * kernel.lanes / groups + line - 1) / line * line,
                     share = fetch * (k / kernel.lanes);
  std::int64_t c = begin;
  // One row takes the weights in the order of memory, which the CPU reads fastest.
  constexpr std::int64_t ahead = 64 * line;
  for (; rows == 1 && c < end; ++c) kernel.one(x, w + c * k, k, y + c, n, w + c * k + ahead, line);
  for (; c + kernel.weights <= end; c += kernel.weights) {
    const Number* next = w + std::min(c + kernel.weights, n - kernel.weights) * k;  // n ≥ kernel.weights here
    std::int64_t r = 0;
    for (; r + kernel.rows <= rows; r += kernel.rows, next += share)
      kernel.whole(x + r * k, w + c * k, k, y + r * n + c, n, next, fetch);
    for (; r < rows; ++r) kernel.row(x + r * k, w + c * k, k, y + r * n + c, n, next, 0);
  }
  for (; c < end; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) kernel.one(x + r * k, w + c * k, k, y + r * n + c, n, w, 0);
  }
}

template <class Number>
void multiply(const Number* x, std::int64_t rows, const Number* w, std::int64_t k, float* y, std::int64_t n) {
  if (rows == 0 || n == 0) return;
  static const Kernel<Number> best = kernel(w);
  // More threads pay off from some ten thousand products.
  const bool small = rows * k * n < (std::int64_t{1} << 16);
#pragma omp parallel if (!small)
  {
    const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const std::int64_t share = ((n + threads - 1) / threads + 23) / 24 * 24;  // whole blocks of weights
    const std::int64_t begin = std::min(n, thread * share), end = std::min(n, begin + share);
    if (begin < end) range(best, x, rows, w, k, y, n, begin, end);
  }
}

}  // namespace

bool has_skinny_gemm() {
  return kernel(static_cast<const float*>(nullptr)).whole != nullptr;
}

void skinny_gemm(const float* x, std::int64_t rows, const float* w, std::int64_t k, float* y, std::int64_t n) {
  multiply(x, rows, w, k, y, n);
}

void skinny_gemm(const float* x, std::int64_t rows, const std::uint16_t* w, std::int64_t k, float* y, std::int64_t n) {
  std::vector<std::uint16_t> rounded(static_cast<std::size_t>(rows * k));
  round_to_bfloat16(x, rows * k, rounded.data());
  multiply(rounded.data(), rows, w, k, y, n);
}

}  // namespace lethe
