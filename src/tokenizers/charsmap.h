// SentencePiece's precompiled normalization ("Precompiled"): a table of strings and their replacements.
#pragma once

#include <string_view>

#include "tokenizers/components.h"

namespace lethe {

/// @param base64  u32 size of a trie in bytes, the trie (darts-clone double array, u32 units), then the replacements,
///                each ended by a zero
/// @throws Error (bad input) if it is not such a table
Normalizer make_charsmap(std::string_view base64);

}  // namespace lethe
