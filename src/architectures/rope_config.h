// The rotary part of a config.json: rope_theta + rope_scaling (most published files) or rope_parameters (transformers
// 5).
#pragma once

#include "architectures/config_reader.h"
#include "architectures/parts.h"

namespace lethe {

/// Where a family's config.json says what of the rotary embedding, and what holds where it says nothing.
struct RopeKeys {
  std::int64_t head_dim = 0, max_positions = 0;
  std::string theta = "rope_theta";
  double default_theta = 10000.0;
  std::string share = "partial_rotary_factor";
  /// Rotated share of each head. 0: the family always rotates all of it, and another share is refused.
  double default_share = 0.0;
  bool takes_odd_share = false;  ///< whether the share may make an odd number of dimensions, the next one rotated too
  /// original_max_position_embeddings where the file has none; 0: max_positions.
  std::int64_t default_original = 0;
  /// The part of rope_parameters that is meant where kinds of layers have their own (Gemma 3), else empty.
  std::string layer_type;
  bool takes_scaling = true;  ///< whether rope_scaling concerns this embedding
};

/// @throws Error (bad input) for a kind or a key of it that is not understood, or two values that contradict
RotaryOptions read_rope(ConfigReader& config, const RopeKeys& keys);

}  // namespace lethe
