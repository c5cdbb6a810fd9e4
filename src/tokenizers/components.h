// The parts of a tokenizer.json before and after its model, each built from its JSON description. Unknown parts are
// refused by name. To add one, add its "type" to the table in the .cpp of its kind.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "tokenizers/normalized_text.h"

namespace lethe {

/// A token of one text: bytes [begin, end) of the original.
struct Token {
  int id = 0;
  std::uint32_t begin = 0, end = 0;
  int type = 0;  ///< 0, or 1 for the second of a pair
  /// The token as the post-processor sees it. Valid as long as the tokenizer and the pieces of the text.
  std::string_view piece;
};
using Tokens = std::vector<Token>;
/// Tokens of one text, or special tokens without a text.
struct TokenList {
  Tokens tokens;
  std::string_view text;
};

/// A text and its pieces: bytes of the text, ascending, none empty. Text between pieces is dropped.
struct CutText {
  NormalizedText text;
  std::vector<ByteRange> pieces;
};

/// Changes a text in place. normalizers.cpp
using Normalizer = std::function<void(NormalizedText&)>;
/// Cuts pieces into smaller ones (may change them). pre_tokenizers.cpp
using PreTokenizer = std::function<void(CutText&)>;
/// Adds special tokens (if asked), trims offsets, sets types. Takes one list, or two for a pair; the result is all
/// lists in order. post_processors.cpp
using PostProcessor = std::function<void(std::vector<TokenList>& lists, bool add_special)>;
/// Turns pieces into text, step by step. decoders.cpp
using Decoder = std::function<std::vector<std::string>(std::vector<std::string>)>;

/// Each takes the JSON of its part of tokenizer.json; null makes nothing (an empty function).
/// @throws Error (bad input) naming the part that is invalid or unsupported
Normalizer make_normalizer(const Json& part);
PreTokenizer make_pre_tokenizer(const Json& part);
PostProcessor make_post_processor(const Json& part);
Decoder make_decoder(const Json& part);

/// A key of a part, of the right type. @throws Error (bad input) naming part and key
const Json& component_key(const Json& part, const char* key);
std::string component_string(const Json& part, const char* key);
bool component_flag(const Json& part, const char* key, bool otherwise);
/// A text that is written or searched repeatedly: a prefix, the unknown token, a replacement.
/// @throws Error (bad input) if it has more than 1,000 bytes, which would expand every letter
std::string component_affix(const Json& part, const char* key);
/// The steps of a sequence, each of which reads the whole text. @throws Error (bad input) for more than 100, including
/// those of nested sequences
const Json& component_steps(const Json& part, const char* key);
std::size_t component_count(const Json& part, const char* key);
std::string component_type(const Json& part);
/// The error for an unsupported part.
[[noreturn]] void refuse_component(const char* kind, const Json& part);

/// {"String": …} or {"Regex": …}: the matches of a pattern, from left to right without overlap; a match may be empty.
using Finder = std::function<void(std::string_view text, std::vector<ByteRange>& found)>;
Finder make_finder(const Json& pattern);
/// Finds the occurrences of a text.
Finder find_text(std::string needle);

}  // namespace lethe
