// The parts of a tokenizer.json that come before and after its model, each made from its JSON description. A part that
// is not known is refused by name: to add one, add its "type" to the table in the .cpp of its kind.
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
  /// The token as the post-processor sees it; lives as long as the tokenizer and the pieces of the text.
  std::string_view piece;
};
using Tokens = std::vector<Token>;
/// Tokens of one text, or special ones that stand for none.
struct TokenList {
  Tokens tokens;
  std::string_view text;
};

/// A text and the pieces it was cut into: bytes of the text, ascending, none empty. What lies between is left out.
struct CutText {
  NormalizedText text;
  std::vector<ByteRange> pieces;
};

/// Changes a text in place. normalizers.cpp
using Normalizer = std::function<void(NormalizedText&)>;
/// Cuts pieces into smaller ones (may change them). pre_tokenizers.cpp
using PreTokenizer = std::function<void(CutText&)>;
/// Adds special tokens (if asked), trims offsets, sets types. Takes one list, or two of a pair; the result is all
/// lists, one behind the other. post_processors.cpp
using PostProcessor = std::function<void(std::vector<TokenList>& lists, bool add_special)>;
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
/// A text that is written or looked for again and again: a prefix, the unknown token, a replacement.
/// @throws Error (bad input) for one of more than 1,000 bytes, which would make a long text of every letter
std::string component_affix(const Json& part, const char* key);
/// The steps of a sequence, each of which reads the whole text. @throws Error (bad input) for more than 100, those of
/// sequences within it included
const Json& component_steps(const Json& part, const char* key);
std::size_t component_count(const Json& part, const char* key);
std::string component_type(const Json& part);
/// The error for a part that is not understood.
[[noreturn]] void refuse_component(const char* kind, const Json& part);

/// {"String": …} or {"Regex": …}: where a pattern matches, from left to right and apart; a match may be empty.
using Finder = std::function<void(std::string_view text, std::vector<ByteRange>& found)>;
Finder make_finder(const Json& pattern);
/// Where a text occurs.
Finder find_text(std::string needle);

}  // namespace lethe
