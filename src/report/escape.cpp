#include "report/escape.h"

#include "core/error.h"
#include "core/utf8.h"

namespace lethe {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

// Of a well-formed character.
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

const char* entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return nullptr;
  }
}

}  // namespace

std::string html_escaped(std::string_view text) {
  const std::string whole = valid_utf8(text);
  std::string out;
  out.reserve(whole.size());
  for (std::size_t at = 0; at < whole.size();) {
    const std::string_view character = std::string_view(whole).substr(at, character_length(whole[at]));
    at += character.size();
    if (character == "\r" && at < whole.size() && whole[at] == '\n') continue;  // a line break of two bytes
    if (const char* entity = entity_of(character[0])) {
      out += entity;
    } else if (deceives(code_point(character))) {
      out += kReplacement;
    } else {
      out += character;
    }
  }
  return out;
}

std::string html_bounded(std::string_view text, std::size_t most) {
  if (text.size() <= most) return html_escaped(text);
  std::size_t end = most;
  // Back to where a character begins, if one does within its longest.
  while (end > 0 && most - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return html_escaped(text.substr(0, end)) + "… (" + with_commas(text.size()) + " bytes in all)";
}

}  // namespace lethe
