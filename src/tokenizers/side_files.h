// What stands beside the vocabulary of a tokenizer without tokenizer.json: tokenizer_config.json,
// special_tokens_map.json, added_tokens.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"

namespace lethe {

/// Names that a tokenizer class gives to special tokens of which the files say nothing; nullopt: it has none.
using SpecialDefaults = std::vector<std::pair<const char*, std::optional<std::string>>>;

struct SideFiles {
  /// An object: tokenizer_config.json; special_tokens_map.json has the last word where transformers reads it.
  Json settings;
  /// Of added_tokens_decoder, or else of added_tokens.json: tokens as tokenizer.json has them, by id.
  std::vector<Json> added;
  /// GPT2Tokenizer, Qwen2Tokenizer, …; "" where neither tokenizer_config.json nor config.json names one.
  std::string tokenizer_class;
};

/// As PreTrainedTokenizerBase._from_pretrained of transformers 5.23: with `added_tokens_decoder` the two other files
/// are not read. @throws Error (bad input) for a broken file
SideFiles read_side_files(const std::filesystem::path& folder);

/// The content of a special token that the settings name ("eos_token": text or an object), or "".
std::string special_token_content(const Json& settings, const char* key);
/// The same with the class's own name where the settings have no such key.
std::string special_token_content(const SideFiles& files, const SpecialDefaults& defaults, const std::string& key);

/// The "added_tokens" of the tokenizer.json that transformers would save: those of the side files by id, then the named
/// special ones, then the additional ones. Source: TokenizersBackend.__init__ of transformers 5.23.
Json added_tokens_of(const SideFiles& files, const SpecialDefaults& defaults);

/// The post-processor that puts the beginning before and the end after a text where `add_bos_token` and `add_eos_token`
/// say so; null: neither. @param id  of a token, by its content; @throws Error (bad input) if there is no such token
Json begin_and_end_processor(const SideFiles& files, const SpecialDefaults& defaults, const Json& vocabulary,
                             const Json& added_tokens, bool add_bos_otherwise, const std::string& where);

}  // namespace lethe
