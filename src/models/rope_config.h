// The rotary part of a config.json: rope_theta + rope_scaling (most published files) or rope_parameters (transformers 5).
#pragma once

#include "models/config_reader.h"
#include "nn/rotary.h"

namespace lethe {

/// @param head_dim       width of a head; partial_rotary_factor takes part of it
/// @param default_theta  where the file names none
/// @throws Error (bad input) for a kind or a key of it that is not understood
RotaryOptions read_rope(ConfigReader& config, std::int64_t head_dim, std::int64_t max_positions, double default_theta = 10000.0);

}  // namespace lethe
