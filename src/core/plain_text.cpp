#include "core/plain_text.h"

#include <cstdio>

#include "core/utf8.h"

namespace lethe {

char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU);
    case 3:
      return (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
    default:
      return (byte(0) & 0x07U) << 18 | (byte(1) & 0x3FU) << 12 | (byte(2) & 0x3FU) << 6 | (byte(3) & 0x3FU);
  }
}

bool deceives(char32_t code) {
  const bool control = (code < 0x20 && code != '\t' && code != '\n') || (code >= 0x7F && code < 0xA0);
  const bool reorders = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  const bool hides = code >= 0xE0000 && code <= 0xE007F;
  return control || reorders || hides;
}

namespace {

// Calls visit(character, code) for each character of the text; invalid UTF-8 comes as U+FFFD.
template <class Visit>
void each_character(std::string_view text, const Visit& visit) {
  const std::string whole = valid_utf8(text);
  for (std::size_t at = 0; at < whole.size();) {
    const std::string_view character = std::string_view(whole).substr(at, character_length(whole[at]));
    at += character.size();
    visit(character, code_point(character));
  }
}

}  // namespace

std::string terminal_text(std::string_view text) {
  std::string out;
  each_character(text, [&](std::string_view character, char32_t code) {
    if (code == '\r') return;
    if (!deceives(code)) {
      out += character;
    } else if (code < 0x20) {
      out += {'\xE2', '\x90', static_cast<char>(0x80 + code)};  // U+2400 …
    } else {
      out += code == 0x7F ? "\xE2\x90\xA1" : "\xEF\xBF\xBD";
    }
  });
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  each_character(text, [&](std::string_view character, char32_t code) {
    if (code == '\n' || code == '\t') {
      out += code == '\n' ? "\\n" : "\\t";
    } else if (deceives(code)) {
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, code < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(code));
      out += buffer;
    } else {
      out += character;
    }
  });
  return out;
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += character_length(text[at]);
  return std::string(text.substr(0, at));
}

}  // namespace lethe
