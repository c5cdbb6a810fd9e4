// The layers that RMU and circuit breakers change, and the weights that RMU trains.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "architectures/decoder_spec.h"
#include "recipe/recipe.h"

namespace lethe {

/// The layers whose states the method changes: objective.layers, or the published ones at this model's depth
/// (layers_at_depth()). Ascending, each once. Empty: the method changes no inner states.
/// @throws Error (usage) if the model has no such layer, or RMU gets several
std::vector<std::int64_t> inner_layers(const Recipe& recipe, const DecoderSpec& spec);

/// The pattern of the weights that full tuning trains; empty: all. It is training.weights if that is set. RMU
/// otherwise trains the MLP's last matrix in its layer and the two below, as its authors' code does.
std::string trained_weights(const Recipe& recipe, const DecoderSpec& spec);

}  // namespace lethe
