// Byte-level BPE's alphabet: each of the 256 bytes as one printable character ("Ġ" is the space).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lethe {

/// The character (UTF-8) that stands for a byte. Source: GPT-2's bytes_to_unicode.
const std::string& character_of_byte(unsigned char byte);
/// The bytes that a token's characters stand for; nothing if one of them stands for no byte.
std::optional<std::string> bytes_of_characters(std::string_view token);

}  // namespace lethe
