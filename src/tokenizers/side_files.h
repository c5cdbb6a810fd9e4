// Reads the side files of a tokenizer without tokenizer.json: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"

namespace lethe {

/// A tokenizer class's default special tokens, used if the files name none; nullopt: no such token.
using SpecialDefaults = std::vector<std::pair<const char*, std::optional<std::string>>>;

struct SideFiles {
  /// An object: tokenizer_config.json, overridden by special_tokens_map.json if transformers reads it.
  Json settings;
  /// From added_tokens_decoder, else added_tokens.json: tokens as in tokenizer.json, by id.
  std::vector<Json> added;
  /// GPT2Tokenizer, Qwen2Tokenizer, …; "" if neither tokenizer_config.json nor config.json names one.
  std::string tokenizer_class;
};

/// Reads like PreTrainedTokenizerBase._from_pretrained of transformers 5.23: with `added_tokens_decoder` it does not
/// read the two other files. @throws Error (bad input) for a broken file
SideFiles read_side_files(const std::filesystem::path& folder);

/// The content of a special token named in the settings ("eos_token": text or an object), or "".
std::string special_token_content(const Json& settings, const char* key);
/// Like above, with the class's default if the settings have no such key.
std::string special_token_content(const SideFiles& files, const SpecialDefaults& defaults, const std::string& key);

/// The "added_tokens" of the tokenizer.json that transformers would save: first the side files' tokens by id, then
/// named special tokens, then additional ones. Source: TokenizersBackend.__init__ of transformers 5.23.
Json added_tokens_of(const SideFiles& files, const SpecialDefaults& defaults);

/// The post-processor that adds the bos token before and the eos token after a text, as `add_bos_token` and
/// `add_eos_token` say; null: neither. @param id  gives the id of a token by its content; @throws Error (bad input) if
/// there is no such token
Json begin_and_end_processor(const SideFiles& files, const SpecialDefaults& defaults, const Json& vocabulary,
                             const Json& added_tokens, bool add_bos_otherwise, const std::string& where);

}  // namespace lethe
