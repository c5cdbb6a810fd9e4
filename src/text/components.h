// The parts of a tokenizer.json that come before and after its model, each made from its JSON description. A part that
// is not known is refused by name: to add one, add its "type" to the table in the .cpp of its kind.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "text/normalized_text.h"

namespace lethe {

/// A token of one text: bytes [begin, end) of the original, and the piece as the post-processor sees it.
struct Token {
  int id = 0;
  std::size_t begin = 0, end = 0;
  std::string piece;
};

/// Changes a text in place. normalizers.cpp
using Normalizer = std::function<void(NormalizedText&)>;
/// Cuts one piece into smaller ones (may change them). pre_tokenizers.cpp
using PreTokenizer = std::function<std::vector<NormalizedText>(NormalizedText)>;
/// Adds special tokens (if asked) and trims offsets. post_processors.cpp
using PostProcessor = std::function<void(std::vector<Token>& tokens, std::string_view text, bool add_special)>;
/// Turns pieces into text, step by step. decoders.cpp
using Decoder = std::function<std::vector<std::string>(std::vector<std::string>)>;

/// Each takes the JSON of its part of tokenizer.json; null makes nothing (an empty function).
/// @throws Error (bad input) naming the part that is broken or not understood
Normalizer make_normalizer(const Json& part);
PreTokenizer make_pre_tokenizer(const Json& part);
PostProcessor make_post_processor(const Json& part);
Decoder make_decoder(const Json& part);

/// A key of a part, of the right type. @throws Error (bad input) naming part and key
const Json& component_key(const Json& part, const char* key);
std::string component_string(const Json& part, const char* key);
bool component_flag(const Json& part, const char* key, bool otherwise);
/// "▁", or another replacement character.
std::string component_type(const Json& part);
/// The error for a part that is not understood.
[[noreturn]] void refuse_component(const char* kind, const Json& part);

/// {"String": …} or {"Regex": …}: where a pattern matches, non-empty and apart.
using Finder = std::function<std::vector<ByteRange>(const std::string&)>;
Finder make_finder(const Json& pattern);

}  // namespace lethe
