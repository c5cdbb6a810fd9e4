// Options of a decoder's parts. No tensors: describing a model does not need LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lethe {

enum class Activation { silu, gelu, gelu_tanh, relu };

/// none: x passes through.
enum class NormKind { none, rms, layer };

/// The rotary embedding in config.json. Sources: Su et al. 2021 (RoPE); Llama 3's frequency bands; Peng et al. 2023
/// (YaRN); Ding et al. 2024 (LongRoPE); the names are those of rope_parameters / rope_scaling.
struct RotaryOptions {
  enum class Kind { standard, linear, dynamic, llama3, yarn, longrope };
  Kind kind = Kind::standard;
  double theta = 10000.0;
  /// Rotated dimensions of each head (≤ head_dim). If the number is odd, the next dimension is rotated too, but
  /// frequencies are still spaced by this number (GPT-NeoX).
  std::int64_t dimensions = 0;
  double factor = 1.0;
  std::int64_t max_positions = 0;                        ///< max_position_embeddings: `dynamic` stretches beyond it
  std::int64_t original_max_positions = 0;               ///< llama3, yarn, longrope
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double beta_fast = 32.0, beta_slow = 1.0;              ///< yarn
  bool truncate = true;                                  ///< yarn
  std::optional<double> attention_factor, mscale, mscale_all_dim;  ///< yarn; attention_factor longrope too
  /// longrope: the divisor of each frequency in rows of up to original_max_positions tokens, and in longer ones.
  std::vector<double> short_factors, long_factors;

  /// The row length beyond which frequencies change, if they do. Rows may share a prompt only within it.
  std::optional<std::int64_t> length_limit() const {
    if (kind == Kind::dynamic) return max_positions;
    if (kind == Kind::longrope) return original_max_positions;
    return std::nullopt;
  }
};

}  // namespace lethe
