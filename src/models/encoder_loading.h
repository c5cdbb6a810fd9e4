// Loads an encoder's weights. A checkpoint's names may lack the family's prefix, or be those of BERT's first files.
#pragma once

#include <set>
#include <string>

#include "formats/checkpoint.h"
#include "models/encoder.h"
#include "models/loading.h"

namespace lethe {

/// Reads the weights of the body, and of the pooler where the checkpoint has one.
/// @throws Error (bad input) for an unknown architecture, or a tensor that is missing, has another shape, or is not
///         used by the architecture. Task heads (cls, classifier, lm_head …) are ignored.
Encoder load_encoder(const Checkpoint& checkpoint, const LoadOptions& options = {});

/// One tensor of a checkpoint, on the device of the options and in their dtype; float32 instead of bfloat16 on a CPU
/// that multiplies_bfloat16() (nn/bfloat16_product.h).
/// @throws Error (bad input) if it is missing or has another shape
at::Tensor load_weight(const Checkpoint& checkpoint, const std::string& name, const std::vector<std::int64_t>& shape,
                       const LoadOptions& options);

}  // namespace lethe
