// UTF-8: character boundaries, and replacement of invalid bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace lethe {

/// Bytes [begin, end) of a text.
using ByteRange = std::pair<std::size_t, std::size_t>;

/// Bytes of the UTF-8 character that starts with `lead` (1 for a byte that starts none).
std::size_t character_length(char lead);
/// Replaces ill-formed sequences by U+FFFD, each maximal part of a character once (as the Unicode standard recommends).
std::string valid_utf8(std::string_view bytes);

}  // namespace lethe
