// Converts vocab.txt alone (BERT) to the tokenizer.json that transformers makes of it.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "tokenizers/side_files.h"

namespace lethe {

/// @param files  do_lower_case, tokenize_chinese_chars, strip_accents, special and added tokens
/// @throws Error (bad input) for a broken file
Json tokenizer_of_bert_files(const std::filesystem::path& folder, const SideFiles& files);

}  // namespace lethe
