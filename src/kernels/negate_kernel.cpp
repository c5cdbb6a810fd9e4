#include "kernels/negate_kernel.h"

#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace lethe {

#ifdef __x86_64__
namespace {

#define LETHE_TARGET __attribute__((target("avx2,f16c"), always_inline)) inline

constexpr std::size_t kLanes = 8;

LETHE_TARGET __m256i where_not_finite(__m256 value) {
  const __m256i exponent = _mm256_set1_epi32(0x7F800000);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(value), exponent), exponent);
}

struct Float32 {
  static constexpr std::size_t bytes = 4;
  LETHE_TARGET static __m256 load(const std::byte* from) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(from));
  }
  /// Rounds, stores, and returns what was stored.
  LETHE_TARGET static __m256 store(std::byte* to, __m256 value) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to), value);
    return value;
  }
};

struct Float16 {
  static constexpr std::size_t bytes = 2;
  LETHE_TARGET static __m256 load(const std::byte* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  LETHE_TARGET static __m256 store(std::byte* to, __m256 value) {
    const __m128i half = _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), half);
    return _mm256_cvtph_ps(half);
  }
};

struct BFloat16 {
  static constexpr std::size_t bytes = 2;
  LETHE_TARGET static __m256 load(const std::byte* from) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  LETHE_TARGET static __m256 store(std::byte* to, __m256 value) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF))), 16);
    const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(rounded, 16));
  }
};

template <class Type>
LETHE_TARGET __m256i negate_lanes(const std::byte* original, const std::byte* tuned, __m256 alpha, std::byte* result) {
  const __m256 o = Type::load(original), t = Type::load(tuned);
  const __m256 value = _mm256_sub_ps(o, _mm256_mul_ps(_mm256_sub_ps(t, o), alpha));
  const __m256 stored = Type::store(result, value);  // which may have become infinite
  return _mm256_or_si256(where_not_finite(value), where_not_finite(stored));
}

template <class Type>
__attribute__((target("avx2,f16c"))) bool negate_all(const std::byte* original, const std::byte* tuned, float alpha,
                                                     std::byte* result, std::size_t count) {
  const __m256 scale = _mm256_set1_ps(alpha);
  __m256i bad = _mm256_setzero_si256();
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t at = 0; at < whole * Type::bytes; at += kLanes * Type::bytes)
    bad = _mm256_or_si256(bad, negate_lanes<Type>(original + at, tuned + at, scale, result + at));
  if (const std::size_t rest = (count - whole) * Type::bytes; rest > 0) {
    std::byte o[kLanes * Type::bytes] = {}, t[kLanes * Type::bytes] = {}, r[kLanes * Type::bytes];
    std::memcpy(o, original + whole * Type::bytes, rest);
    std::memcpy(t, tuned + whole * Type::bytes, rest);
    bad = _mm256_or_si256(bad, negate_lanes<Type>(o, t, scale, r));
    std::memcpy(result + whole * Type::bytes, r, rest);
  }
  return _mm256_testz_si256(bad, bad) != 0;
}

}  // namespace

bool has_negate_kernel(DType type) {
  static const bool able = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  return able && (type == DType::bf16 || type == DType::f16 || type == DType::f32);
}

bool negate_kernel(DType type, const std::byte* original, const std::byte* tuned, float alpha, std::byte* result,
                   std::size_t count) {
  if (type == DType::bf16) return negate_all<BFloat16>(original, tuned, alpha, result, count);
  if (type == DType::f16) return negate_all<Float16>(original, tuned, alpha, result, count);
  return negate_all<Float32>(original, tuned, alpha, result, count);
}

#else

bool has_negate_kernel(DType) {
  return false;
}

bool negate_kernel(DType, const std::byte*, const std::byte*, float, std::byte*, std::size_t) {
  return false;
}

#endif

}  // namespace lethe
