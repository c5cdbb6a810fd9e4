// Both factors are read row by row, one token after the other, so packing is plain copies. Strips of G's columns are
// broadcast; strips of X's columns fill registers. One strip of each gives a tile of the result, which stays in
// registers over all tokens.
#include "kernels/weight_gradient.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lethe {

#if defined(__x86_64__)

namespace {

constexpr std::int64_t tall = 14, wide = 32;  // a tile: 28 sums, 2 of X, 1 of G: 31 of 32 registers
constexpr std::int64_t deep = 256;            // tokens at a time: a strip of X is 32 kB
constexpr std::int64_t g_strips = 42;         // per thread at a time: 600 kB, within its L2 cache
constexpr std::int64_t x_strips = 64;         // for all threads at a time
constexpr std::int64_t g_space = g_strips * tall * deep, x_space = x_strips * wide * deep;

/// The tile of a strip of G and one of X. @param height, width  the part that is written, if not `Whole`
template <bool Whole>
[[gnu::target("avx512f"), gnu::always_inline]] inline void tile(const float* g, const float* x, std::int64_t tokens,
                                                                float* out, std::int64_t k, bool add,
                                                                std::int64_t height, std::int64_t width) {
  __m512 sums[tall][2] = {};
  for (std::int64_t t = 0; t < tokens; ++t, g += tall, x += wide) {
    const __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + 16);
#pragma GCC unroll 14
    for (int r = 0; r < tall; ++r) {
      const __m512 one = _mm512_set1_ps(g[r]);
      sums[r][0] = _mm512_fmadd_ps(x0, one, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(x1, one, sums[r][1]);
    }
  }
  if constexpr (Whole) {
#pragma GCC unroll 14
    for (int r = 0; r < tall; ++r, out += k) {
      _mm512_storeu_ps(out, add ? _mm512_add_ps(_mm512_loadu_ps(out), sums[r][0]) : sums[r][0]);
      _mm512_storeu_ps(out + 16, add ? _mm512_add_ps(_mm512_loadu_ps(out + 16), sums[r][1]) : sums[r][1]);
    }
  } else {
    float found[tall][wide];
    std::memcpy(found, sums, sizeof(found));
    for (std::int64_t r = 0; r < height; ++r, out += k) {
      for (std::int64_t c = 0; c < width; ++c) out[c] = add ? out[c] + found[r][c] : found[r][c];
    }
  }
}

/// Packs strips [first, last) of the columns of `rows`, each `deep` tokens long. The last strip is padded with zeros.
/// @param columns  from the beginning of strip 0 to the end of a row
/// @param row      numbers from one token's row to the next
template <std::int64_t Width>
[[gnu::target("avx512f")]] void pack(const float* rows, std::int64_t row, std::int64_t columns, std::int64_t tokens,
                                     std::int64_t first, std::int64_t last, float* strips) {
  for (std::int64_t t = 0; t < tokens; ++t, rows += row) {
    for (std::int64_t s = first; s < last; ++s) {
      float* to = strips + (s * deep + t) * Width;
      const std::int64_t rest = columns - s * Width;
      if (rest >= Width) {
        std::memcpy(to, rows + s * Width, Width * sizeof(float));
      } else {
        std::memcpy(to, rows + s * Width, static_cast<std::size_t>(rest) * sizeof(float));
        std::memset(to + rest, 0, static_cast<std::size_t>(Width - rest) * sizeof(float));
      }
    }
  }
}

/// All tiles of some strips of G and some of X. @param n  remaining rows of the result; @param k  its row length
[[gnu::target("avx512f")]] void tiles(const float* g, std::int64_t g_count, std::int64_t n, const float* x,
                                      std::int64_t x_count, std::int64_t columns, std::int64_t tokens, float* out,
                                      std::int64_t k, bool add) {
  for (std::int64_t c = 0; c < x_count; ++c) {
    for (std::int64_t r = 0; r < g_count; ++r) {
      const std::int64_t height = std::min(tall, n - r * tall), width = std::min(wide, columns - c * wide);
      const float *gs = g + r * deep * tall, *xs = x + c * deep * wide;
      float* to = out + r * tall * k + c * wide;
      if (height == tall && width == wide)
        tile<true>(gs, xs, tokens, to, k, add, height, width);
      else
        tile<false>(gs, xs, tokens, to, k, add, height, width);
    }
  }
}

std::int64_t strips(std::int64_t columns, std::int64_t width) {
  return (columns + width - 1) / width;
}

}  // namespace

bool mkl_lacks_avx512() {
  static const bool has = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
  return has;
}

std::int64_t weight_gradient_workspace() {
  return 2 * x_space + omp_get_max_threads() * g_space;
}

void weight_gradient(const float* g, const float* x, std::int64_t tokens, std::int64_t n, std::int64_t k, float* out,
                     bool add, float* workspace) {
  const std::int64_t pieces = std::max<std::int64_t>(1, (tokens + deep - 1) / deep);
  const std::int64_t step = (tokens + pieces - 1) / pieces;
#pragma omp parallel
  {
    // Each thread computes a share of the result's rows and packs its own part of G. All threads pack X together, into
    // two buffers in turn: one barrier per piece.
    const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const std::int64_t all = strips(n, tall), begin = all * thread / threads, end = all * (thread + 1) / threads;
    float *own = workspace + 2 * x_space + thread * g_space, *shared = workspace, *other = workspace + x_space;
    for (std::int64_t c = 0; c < k; c += x_strips * wide) {
      const std::int64_t columns = std::min(x_strips * wide, k - c), count = strips(columns, wide);
      for (std::int64_t t = 0; t < tokens; t += step, std::swap(shared, other)) {
        const std::int64_t depth = std::min(step, tokens - t);
        pack<wide>(x + t * k + c, k, columns, depth, count * thread / threads, count * (thread + 1) / threads, shared);
#pragma omp barrier
        for (std::int64_t r = begin; r < end; r += g_strips) {
          const std::int64_t some = std::min(g_strips, end - r);
          pack<tall>(g + t * n + r * tall, n, n - r * tall, depth, 0, some, own);
          tiles(own, some, n - r * tall, shared, count, columns, depth, out + r * tall * k + c, k, add || t > 0);
        }
      }
    }
  }
}

#else

bool mkl_lacks_avx512() {
  return false;
}
std::int64_t weight_gradient_workspace() {
  return 0;
}
void weight_gradient(const float*, const float*, std::int64_t, std::int64_t, std::int64_t, float*, bool, float*) {}

#endif

}  // namespace lethe
