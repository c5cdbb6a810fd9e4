// Checks SentencePiece files before the library reads them. The library trusts them: it follows offsets out of the
// file, and aborts the program on a piece that contains a zero byte.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace lethe {

/// Checks what the library does not check in a serialised ModelProto. Source: sentencepiece_model.proto (field
/// numbers), darts.h of darts-clone (the trie of precompiled_charsmap).
/// @param where  named in the error
/// @throws Error (bad input) that says what was found
void check_sentencepiece(std::string_view file, const std::string& where);
Error no_sentencepiece_model(const std::string& where, std::string_view found);

}  // namespace lethe
