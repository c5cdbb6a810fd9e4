// vocab.json + merges.txt (GPT-2, OPT, Qwen2, RoBERTa, …), described as the tokenizer.json that transformers makes of
// them.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "tokenizers/side_files.h"

namespace lethe {

/// What a tokenizer class makes of a vocabulary of byte-level pieces.
struct ByteLevelClass {
  SpecialDefaults special;
  Json normalizer, pre_tokenizer;
  bool roberta = false;         ///< <s> A </s></s> B </s>
  bool resets_special = false;  ///< special tokens lose what the files say of white space around them (Qwen2)
};

/// @param files   the class of the tokenizer; special tokens, add_bos_token, add_prefix_space, …
/// @param config  config.json, or null: OPT puts </s> first even where the settings say nothing
/// @throws Error (bad input) for a broken file, or a class of which Lethe does not know how it reads these files
Json tokenizer_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config);
/// The end of a text in such a folder.
std::string end_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config);

}  // namespace lethe
