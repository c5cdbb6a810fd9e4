// Attention in decoding: one new token per row attends to that row's cached keys and values.
#pragma once

#include <cstdint>

namespace lethe {

/// Float32 throughout. H query heads, G key heads (G divides H), d numbers a head.
struct DecodeAttention {
  std::int64_t rows, heads, key_heads, dim;
  std::int64_t capacity;        ///< tokens per row that the cache has room for
  const float *q, *k, *v;       ///< of the new tokens: [rows, H, d], [rows, G, d] twice
  float *keys, *values;         ///< [rows, G, capacity, d]: the kernel appends the new k and v
  const std::int64_t* lengths;  ///< [rows] cached tokens, fewer than the capacity
  std::int64_t window;          ///< a token attends to this many, itself included; 0: all
  float scale;                  ///< of the scores
  float* out;                   ///< [rows, H, d]
};

/// out = softmax(scale · q·Kᵀ)·V. Each row reads only its own tokens, once for all heads that share them. Its result
/// depends neither on other rows nor on the number of threads. Requires has_skinny_gemm().
void decode_attention(const DecodeAttention& step);

}  // namespace lethe
