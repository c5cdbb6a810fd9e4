// Rotary position embeddings and the context extensions that checkpoints use.
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

  /// Angular frequencies for a row of that many tokens, radians per token: [⌈dimensions / 2⌉] float32. Computed in the
  /// same steps as transformers' modeling_rope_utils.py.
  at::Tensor frequencies(std::int64_t row_length) const;
  /// Factor of the cosines and sines (YaRN, LongRoPE); otherwise 1.
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
