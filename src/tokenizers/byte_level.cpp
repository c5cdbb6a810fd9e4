#include "tokenizers/byte_level.h"

#include <array>
#include <unordered_map>

#include "tokenizers/normalized_text.h"

namespace lethe {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;
  std::unordered_map<std::string, char> bytes;
};

// All code points are below U+0800, so two bytes of UTF-8 are enough.
std::string utf8(unsigned code_point) {
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xC0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3F))};
}

Alphabet make_alphabet() {
  Alphabet alphabet;
  unsigned next = 256;  // non-printing bytes get the code points from here on, in order
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool prints =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    alphabet.characters[byte] = utf8(prints ? byte : next++);
    alphabet.bytes[alphabet.characters[byte]] = static_cast<char>(byte);
  }
  return alphabet;
}

const Alphabet& alphabet() {
  static const Alphabet instance = make_alphabet();
  return instance;
}

}  // namespace

const std::string& character_of_byte(unsigned char byte) {
  return alphabet().characters[byte];
}

std::optional<std::string> bytes_of_characters(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const std::size_t length = character_length(token[at]);
    const auto found = alphabet().bytes.find(std::string(token.substr(at, length)));
    if (found == alphabet().bytes.end()) return std::nullopt;
    bytes += found->second;
    at += length;
  }
  return bytes;
}

}  // namespace lethe
