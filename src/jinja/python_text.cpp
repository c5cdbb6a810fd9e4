#include "jinja/python_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace lethe {
namespace {

// str.isspace(): Unicode's bidirectional types WS, B, S, or category Zs.
bool is_python_space(std::int32_t codepoint) {
  if (codepoint < 0) return false;
  if ((codepoint >= 0x09 && codepoint <= 0x0D) || (codepoint >= 0x1C && codepoint <= 0x20) || codepoint == 0x85)
    return true;
  return codepoint == 0xA0 || codepoint == 0x1680 || (codepoint >= 0x2000 && codepoint <= 0x200A) ||
         codepoint == 0x2028 || codepoint == 0x2029 || codepoint == 0x202F || codepoint == 0x205F ||
         codepoint == 0x3000;
}

bool is_line_end(std::int32_t codepoint) {
  return (codepoint >= 0x0A && codepoint <= 0x0D) || (codepoint >= 0x1C && codepoint <= 0x1E) || codepoint == 0x85 ||
         codepoint == 0x2028 || codepoint == 0x2029;
}

struct Character {
  std::int32_t codepoint;
  std::size_t begin, end;
};

std::vector<Character> characters_of(const std::string& text) {
  std::vector<Character> characters;
  for_each_character(text, [&](std::int32_t codepoint, std::size_t begin, std::size_t end) {
    characters.push_back({codepoint, begin, end});
  });
  return characters;
}

void check_pieces(const std::vector<MarkedText>& pieces) {
  if (pieces.size() > 1'000'000) throw bad_input("cannot cut a text into more than a million pieces");
}

bool is_letter(std::int32_t codepoint) {
  const auto category = codepoint < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT ||
         category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_LO;
}
bool is_cased(std::int32_t codepoint) {
  const auto category = codepoint < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

}  // namespace

void for_each_character(const std::string& text, const std::function<void(std::int32_t, std::size_t, std::size_t)>& f) {
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t codepoint = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                         static_cast<utf8proc_ssize_t>(text.size() - at), &codepoint);
    const std::size_t end = at + (length > 0 ? static_cast<std::size_t>(length) : 1);
    f(length > 0 ? codepoint : -1, at, end);
    at = end;
  }
}

std::vector<std::size_t> character_starts(const std::string& text) {
  std::vector<std::size_t> starts;
  for_each_character(text, [&](std::int32_t, std::size_t begin, std::size_t) { starts.push_back(begin); });
  starts.push_back(text.size());
  return starts;
}

std::size_t find_part(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t find_last_part(std::string_view text, std::string_view part) {
  const std::string backwards(text.rbegin(), text.rend());
  const std::size_t at = find_part(backwards, std::string(part.rbegin(), part.rend()));
  return at == std::string_view::npos ? at : text.size() - at - part.size();
}

MarkedText stripped(const MarkedText& text, const std::string* characters, bool left, bool right) {
  const std::vector<Character> all = characters_of(text.text());
  std::vector<std::int32_t> unwanted;
  if (characters != nullptr) {
    for (const Character& character : characters_of(*characters)) unwanted.push_back(character.codepoint);
  }
  const auto goes = [&](const Character& character) {
    return characters == nullptr ? is_python_space(character.codepoint)
                                 : std::find(unwanted.begin(), unwanted.end(), character.codepoint) != unwanted.end();
  };
  std::size_t first = 0, last = all.size();
  while (left && first < last && goes(all[first])) ++first;
  while (right && last > first && goes(all[last - 1])) --last;
  if (first == last) return {};
  return text.slice(all[first].begin, all[last - 1].end);
}

std::vector<MarkedText> split_text(const MarkedText& text, const std::string* separator, std::int64_t most) {
  std::vector<MarkedText> pieces;
  const auto may_cut = [&] { return most < 0 || static_cast<std::int64_t>(pieces.size()) < most; };
  if (separator != nullptr) {
    std::size_t begin = 0;
    while (may_cut()) {
      const std::size_t at = find_part(text.text(), *separator, begin);
      if (at == std::string::npos) break;
      pieces.push_back(text.slice(begin, at));
      check_pieces(pieces);
      begin = at + separator->size();
    }
    pieces.push_back(text.slice(begin, text.size()));
    return pieces;
  }
  const std::vector<Character> all = characters_of(text.text());
  for (std::size_t at = 0; at < all.size();) {
    if (is_python_space(all[at].codepoint)) {
      ++at;
      continue;
    }
    if (!may_cut()) {
      pieces.push_back(stripped(text.slice(all[at].begin, text.size()), nullptr, false, true));
      break;
    }
    const std::size_t begin = at;
    while (at < all.size() && !is_python_space(all[at].codepoint)) ++at;
    pieces.push_back(text.slice(all[begin].begin, all[at - 1].end));
    check_pieces(pieces);
  }
  return pieces;
}

std::vector<MarkedText> split_from_right(const MarkedText& text, const std::string& separator, std::int64_t most) {
  std::vector<MarkedText> pieces;
  const std::string backwards(text.text().rbegin(), text.text().rend()), part(separator.rbegin(), separator.rend());
  std::size_t end = text.size();
  while (most < 0 || static_cast<std::int64_t>(pieces.size()) < most) {
    const std::size_t at = find_part(backwards, part, text.size() - end);
    if (at == std::string::npos) break;
    pieces.push_back(text.slice(text.size() - at, end));
    check_pieces(pieces);
    end = text.size() - at - separator.size();
  }
  pieces.push_back(text.slice(0, end));
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

std::vector<MarkedText> split_lines(const MarkedText& text, bool keep_ends) {
  std::vector<MarkedText> lines;
  const std::vector<Character> all = characters_of(text.text());
  std::size_t begin = 0;
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (!is_line_end(all[at].codepoint)) continue;
    const std::size_t end = all[at].begin;
    if (all[at].codepoint == '\r' && at + 1 < all.size() && all[at + 1].codepoint == '\n') ++at;
    lines.push_back(text.slice(begin, keep_ends ? all[at].end : end));
    check_pieces(lines);
    begin = all[at].end;
  }
  if (begin < text.size()) lines.push_back(text.slice(begin, text.size()));
  return lines;
}

MarkedText replaced(const MarkedText& text, const std::string& old, const MarkedText& fresh, std::int64_t most) {
  MarkedText result;
  std::size_t begin = 0;
  if (old.empty()) {  // Python: before each character, and at the end
    const std::vector<std::size_t> starts = character_starts(text.text());
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (most < 0 || static_cast<std::int64_t>(i) < most) result.append(fresh);
      if (i + 1 < starts.size()) result.append(text.slice(starts[i], starts[i + 1]));
    }
    return result;
  }
  for (std::int64_t count = 0; most < 0 || count < most; ++count) {
    const std::size_t at = find_part(text.text(), old, begin);
    if (at == std::string::npos) break;
    result.append(text.slice(begin, at));
    result.append(fresh);
    begin = at + old.size();
  }
  result.append(text.slice(begin, text.size()));
  return result;
}

MarkedText in_case(const MarkedText& text, Case wanted) {
  MarkedText result;
  bool first = true, behind_letter = false;
  for_each_character(text.text(), [&](std::int32_t codepoint, std::size_t begin, std::size_t end) {
    const std::string bytes = text.text().substr(begin, end - begin);
    const bool up =
        wanted == Case::upper || (wanted == Case::capitalize && first) || (wanted == Case::title && !behind_letter);
    if (codepoint < 0) {
      result.append(bytes, text.source_at(begin));
    } else if (codepoint == 0xDF && up) {  // ß: the one common letter whose capital is two
      result.append(wanted == Case::upper ? "SS" : "Ss", text.source_at(begin));
    } else {
      const std::int32_t mapped =
          up ? (wanted == Case::upper ? utf8proc_toupper(codepoint) : utf8proc_totitle(codepoint))
             : utf8proc_tolower(codepoint);
      utf8proc_uint8_t buffer[4];
      const auto length = utf8proc_encode_char(mapped, buffer);
      result.append({reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(length)}, text.source_at(begin));
    }
    first = false;
    behind_letter = is_cased(codepoint);
  });
  return result;
}

bool all_of_kind(const std::string& text, Kind kind) {
  bool all = !text.empty();
  for_each_character(text, [&](std::int32_t codepoint, std::size_t, std::size_t) {
    const auto category = codepoint < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(codepoint);
    const bool digit = category == UTF8PROC_CATEGORY_ND, letter = is_letter(codepoint);
    all = all && (kind == Kind::digit    ? digit
                  : kind == Kind::letter ? letter
                  : kind == Kind::space  ? is_python_space(codepoint)
                                         : digit || letter);
  });
  return all;
}

bool is_printable(std::int32_t codepoint) {
  if (codepoint == ' ') return true;
  if (codepoint < 0) return false;
  switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

}  // namespace lethe
