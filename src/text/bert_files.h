// vocab.txt alone (BERT), told as the tokenizer.json that transformers makes of it.
#pragma once

#include <filesystem>

#include "core/json.h"

namespace lethe {

/// @param settings  tokenizer_config.json, or null: do_lower_case, tokenize_chinese_chars, strip_accents, special
/// tokens
/// @throws Error (bad input) for a broken file
Json tokenizer_of_bert_files(const std::filesystem::path& folder, const Json& settings);

}  // namespace lethe
