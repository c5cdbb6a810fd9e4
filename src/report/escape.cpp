#include "report/escape.h"

#include "core/error.h"
#include "core/plain_text.h"
#include "core/utf8.h"

namespace lethe {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

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
  // Step back to the start of a character, at most by the longest one.
  while (end > 0 && most - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return html_escaped(text.substr(0, end)) + "… (" + with_commas(text.size()) + " bytes in all)";
}

}  // namespace lethe
