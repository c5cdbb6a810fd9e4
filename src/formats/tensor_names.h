// Recognises equivalent tensor names, and tables that old files store next to their weights.
#pragma once

#include <string>
#include <string_view>

#include "formats/dtype.h"

namespace lethe {

/// The name without training wrappers: "_orig_mod." of torch.compile (anywhere), "module." of DistributedDataParallel
/// (at the beginning), and the wrappers of FSDP and activation checkpointing.
std::string without_wrappers(std::string_view name);

/// The canonical name of a tensor: without wrappers, without the body's prefix ("model.", "transformer.", "gpt_neox."),
/// the output head as "lm_head". This matches how transformers adds and strips its base_model_prefix.
std::string canonical_name(std::string_view name);

/// Whether a tensor is, by name and shape, a table that the model recomputes (causal masks, rotary frequencies,
/// position numbers). Such tables hold nothing learned.
bool is_buffer(const TensorSpec& tensor);

}  // namespace lethe
