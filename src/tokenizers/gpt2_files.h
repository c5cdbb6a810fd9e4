// vocab.json + merges.txt (GPT-2, OPT, Qwen2, RoBERTa, …), converted to the tokenizer.json that transformers makes of
// them.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "tokenizers/side_files.h"

namespace lethe {

/// The properties of a tokenizer class with a byte-level vocabulary.
struct ByteLevelClass {
  SpecialDefaults special;
  Json normalizer, pre_tokenizer;
  bool roberta = false;         ///< <s> A </s></s> B </s>
  bool resets_special = false;  ///< drops the files' white space options of special tokens (Qwen2)
};

/// @param files   the class of the tokenizer; special tokens, add_bos_token, add_prefix_space, …
/// @param config  config.json, or null: OPT puts </s> first even without a setting
/// @throws Error (bad input) for a broken file, or an unknown tokenizer class
Json tokenizer_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config);
/// The end-of-text token of such a folder.
std::string end_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config);

}  // namespace lethe
