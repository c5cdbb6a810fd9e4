// Rotary position embeddings, with the ways of stretching them that checkpoints ask for.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "architectures/parts.h"
#include "nn/packed_batch.h"

namespace lethe {

/// Cosine and sine of every token's angles.
struct RotaryAngles {
  at::Tensor cosine, sine;  ///< [T, 1, ⌈dimensions / 2⌉] float32
};

class Rotary {
 public:
  Rotary() = default;
  explicit Rotary(const RotaryOptions& options) : options_(options) {}

  /// Angular frequencies for a row of that many tokens, radians a token: [⌈dimensions / 2⌉], float32, in the steps of
  /// transformers' modeling_rope_utils.py.
  at::Tensor frequencies(std::int64_t row_length) const;
  /// What cosines and sines are multiplied with (YaRN, LongRoPE), 1 otherwise.
  double magnitude() const;
  RotaryAngles angles(const PackedBatch& batch) const;
  /// For decoding: positions [B], all in rows of the given length.
  RotaryAngles angles(const at::Tensor& positions, std::int64_t row_length) const;
  const RotaryOptions& options() const { return options_; }

 private:
  RotaryOptions options_;
};

/// Rotates the first `dimensions` of each head, halves paired as (i, i + dimensions/2); the rest passes through.
/// @param x  [T, H, head_dim]
at::Tensor rotate(const at::Tensor& x, const RotaryAngles& angles);

}  // namespace lethe
