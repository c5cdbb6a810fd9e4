// Weights into an encoder, from a checkpoint whose names may lack the family's prefix or be those of BERT's first
// files.
#pragma once

#include <set>
#include <string>

#include "formats/checkpoint.h"
#include "models/encoder.h"
#include "models/loading.h"

namespace lethe {

/// Reads the weights of the body, and of the pooler where the checkpoint has one.
/// @throws Error (bad input) for an unknown architecture, a tensor that is missing, has another shape, or that the
///         architecture has no use for. Heads of tasks (cls, classifier, lm_head …) are left alone.
Encoder load_encoder(const Checkpoint& checkpoint, const LoadOptions& options = {});

/// One tensor of a checkpoint, in the type and on the device asked for.
/// @throws Error (bad input) if it is missing or has another shape
at::Tensor load_weight(const Checkpoint& checkpoint, const std::string& name, const std::vector<std::int64_t>& shape,
                       const LoadOptions& options);

}  // namespace lethe
