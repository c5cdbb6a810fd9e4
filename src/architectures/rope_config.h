// The rotary part of a config.json: rope_theta + rope_scaling (most published files) or rope_parameters (transformers
// 5).
#pragma once

#include "architectures/config_reader.h"
#include "architectures/parts.h"

namespace lethe {

/// A family's keys of the rotary embedding, and the defaults of missing keys.
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
  /// The part of rope_parameters to read if each kind of layer has its own (Gemma 3), else empty.
  std::string layer_type;
  bool takes_scaling = true;  ///< whether rope_scaling concerns this embedding
};

/// @throws Error (bad input) for an unsupported kind or key, or two contradictory values
RotaryOptions read_rope(ConfigReader& config, const RopeKeys& keys);

}  // namespace lethe
