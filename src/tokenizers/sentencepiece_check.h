// The SentencePiece library takes much of its files at their word: it follows the offsets of a table of characters out
// of the file, and ends the program over a piece with a zero byte in it. So a file is looked through before the library
// sees it.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Checks a serialised ModelProto as far as the library does not. Source: sentencepiece_model.proto (field numbers),
/// darts.h of darts-clone (the trie of precompiled_charsmap).
/// @return what is wrong with it; empty: nothing
std::string sentencepiece_problem(std::string_view file);

}  // namespace lethe
