// Errors for a path that is not a checkpoint: what it is, and what to give instead.
#pragma once

#include <filesystem>
#include <optional>

#include "core/error.h"

namespace lethe {

/// For a file: GGUF, safetensors, a pickle. (bad input)
Error not_a_checkpoint_file(const std::filesystem::path& file);
/// The same error if the ending or the first bytes identify the file; nothing for other files.
std::optional<Error> weights_of_other_programs(const std::filesystem::path& file);
/// For a folder without config.json: an adapter, a run, a repository of the Hugging Face cache, a folder of
/// checkpoints. (bad input)
Error not_a_checkpoint_folder(const std::filesystem::path& folder);
/// For a folder with config.json but without safetensors: weights of other formats. (bad input)
Error no_weights(const std::filesystem::path& folder);
/// For a folder given as an adapter that has no adapter_config.json. (bad input)
Error not_an_adapter(const std::filesystem::path& folder);

}  // namespace lethe
