// vocab.json + merges.txt (GPT-2, OPT), told as the tokenizer.json that transformers makes of them.
#pragma once

#include <filesystem>

#include "core/json.h"

namespace lethe {

/// @param settings  tokenizer_config.json, or null: add_bos_token, add_prefix_space, special tokens
/// @param config    config.json, or null: OPT puts </s> first even where the settings say nothing
/// @throws Error (bad input) for a broken file
Json tokenizer_of_gpt2_files(const std::filesystem::path& folder, const Json& settings, const Json& config);

/// The content of a special token that the settings name ("eos_token": text or an object), or "".
std::string special_token_content(const Json& settings, const char* key);

}  // namespace lethe
