// What a path is that was given for a checkpoint and is none, and what to give instead.
#pragma once

#include <filesystem>
#include <optional>

#include "core/error.h"

namespace lethe {

/// A file: GGUF, safetensors, a pickle. (bad input)
Error not_a_checkpoint_file(const std::filesystem::path& file);
/// The same if the file is known by its ending or its first bytes; nothing for any other file.
std::optional<Error> weights_of_other_programs(const std::filesystem::path& file);
/// A folder without config.json: an adapter, a run, a repository of the Hugging Face cache, a folder of checkpoints.
/// (bad input)
Error not_a_checkpoint_folder(const std::filesystem::path& folder);
/// A folder with config.json and without safetensors: weights of other formats. (bad input)
Error no_weights(const std::filesystem::path& folder);
/// A folder given for an adapter that holds no adapter_config.json. (bad input)
Error not_an_adapter(const std::filesystem::path& folder);

}  // namespace lethe
