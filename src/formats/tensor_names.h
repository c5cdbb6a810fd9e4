// Names under which programs store one and the same tensor, and tables that old files carry beside their weights.
#pragma once

#include <string>
#include <string_view>

#include "formats/dtype.h"

namespace lethe {

/// The name without what training wraps around modules: "_orig_mod." of torch.compile (anywhere), "module." of
/// DistributedDataParallel (in front), and the wrappers of FSDP and activation checkpointing.
std::string without_wrappers(std::string_view name);

/// One name for a tensor, however it is stored: without wrappers, without the body's own prefix ("model.",
/// "transformer.", "gpt_neox."), the output head as "lm_head". As transformers adds and strips its base_model_prefix.
std::string canonical_name(std::string_view name);

/// Whether the tensor is a table that a model makes anew (causal masks, rotary frequencies, position numbers), by its
/// name and shape. Such tables hold nothing that was learned.
bool is_buffer(const TensorSpec& tensor);

}  // namespace lethe
