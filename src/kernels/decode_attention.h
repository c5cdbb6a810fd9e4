// Attention while decoding: one new token a row, over that row's own keys and values.
#pragma once

#include <cstdint>

namespace lethe {

/// Float32 throughout. H query heads, G key heads (G divides H), d numbers a head.
struct DecodeAttention {
  std::int64_t rows, heads, key_heads, dim;
  std::int64_t capacity;        ///< tokens that the cache has room for, a row
  const float *q, *k, *v;       ///< of the new tokens: [rows, H, d], [rows, G, d] twice
  float *keys, *values;         ///< [rows, G, capacity, d]: the new k and v are written behind what is there
  const std::int64_t* lengths;  ///< [rows] tokens that are there, fewer than the capacity
  std::int64_t window;          ///< a token sees so many, itself included; 0: all
  float scale;                  ///< of the scores
  float* out;                   ///< [rows, H, d]
};

/// out = softmax(scale · q·Kᵀ)·V. A row reads its own tokens and no more, once for the heads that share them; its
/// result depends neither on the other rows nor on the number of threads. Only where has_skinny_gemm().
void decode_attention(const DecodeAttention& step);

}  // namespace lethe
