// Byte-level BPE's alphabet: maps each of the 256 bytes to one printable character ("Ġ" is the space).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lethe {

/// The character (UTF-8) that stands for a byte. Source: GPT-2's bytes_to_unicode.
const std::string& character_of_byte(unsigned char byte);
/// The bytes of a token's characters; nothing if one of them is not in the alphabet.
std::optional<std::string> bytes_of_characters(std::string_view token);

}  // namespace lethe
