// Rotary position embeddings, with the ways of stretching them that checkpoints ask for.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

/// What config.json says of the rotary embedding. Sources: Su et al. 2021 (RoPE); Llama 3's frequency bands; Peng et
/// al. 2023 (YaRN); Ding et al. 2024 (LongRoPE); the names are those of rope_parameters / rope_scaling.
struct RotaryOptions {
  enum class Kind { standard, linear, dynamic, llama3, yarn, longrope };
  Kind kind = Kind::standard;
  double theta = 10000.0;
  /// Rotated dimensions of each head (≤ head_dim). Of an odd number the next dimension is rotated too, while
  /// frequencies are still spaced by this number (GPT-NeoX).
  std::int64_t dimensions = 0;
  double factor = 1.0;
  std::int64_t max_positions = 0;                        ///< max_position_embeddings: `dynamic` stretches beyond it
  std::int64_t original_max_positions = 0;               ///< llama3, yarn, longrope
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double beta_fast = 32.0, beta_slow = 1.0;              ///< yarn
  bool truncate = true;                                  ///< yarn
  std::optional<double> attention_factor, mscale, mscale_all_dim;  ///< yarn; attention_factor longrope too
  /// longrope: what each frequency is divided by in rows of up to original_max_positions tokens, and in longer ones.
  std::vector<double> short_factors, long_factors;
};

/// Cosine and sine of every token's angles.
struct RotaryAngles {
  at::Tensor cosine, sine;  ///< [T, 1, ⌈dimensions / 2⌉] float32
};

class Rotary {
 public:
  Rotary() = default;
  explicit Rotary(const RotaryOptions& options) : options_(options) {}

  /// Angular frequencies for a row of that many tokens, radians a token: [⌈dimensions / 2⌉].
  std::vector<double> frequencies(std::int64_t row_length) const;
  /// What cosines and sines are multiplied with (YaRN, LongRoPE), 1 otherwise.
  double magnitude() const;
  /// The row length beyond which frequencies change, if they do. Rows may share a prompt only within it.
  std::optional<std::int64_t> length_limit() const;
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
