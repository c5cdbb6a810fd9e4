#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "tokenizers/unicode.h"

namespace lethe {
namespace {

struct Decomposed {
  ChangedCharacter character;
  int combining_class;
};

int combining_class(char32_t character) {
  return static_cast<int>(utf8proc_get_property(static_cast<utf8proc_int32_t>(character))->combining_class);
}

// Canonical order: each run of marks is sorted by class, with a stable sort.
void sort_marks(std::vector<Decomposed>& characters, std::size_t from) {
  std::stable_sort(characters.begin() + static_cast<std::ptrdiff_t>(from), characters.end(),
                   [](const Decomposed& a, const Decomposed& b) { return a.combining_class < b.combining_class; });
}

std::vector<Decomposed> decomposed(std::string_view text, bool compatible) {
  std::vector<Decomposed> result;
  result.reserve(text.size());
  std::size_t pending = 0;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE |
                                                      (compatible ? UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE));
  for (std::size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    std::array<utf8proc_int32_t, 64> parts{static_cast<utf8proc_int32_t>(character)};
    utf8proc_ssize_t count = 1;
    if (character >= 0x80) {
      int boundary = UTF8PROC_BOUNDCLASS_START;
      count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts.data(), parts.size(), options,
                                      &boundary);
      if (count < 1 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
        parts[0] = static_cast<utf8proc_int32_t>(character);
        count = 1;
      }
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const auto part = static_cast<char32_t>(parts[i]);
      const int order = part < 0x300 ? 0 : combining_class(part);
      if (order == 0) {
        sort_marks(result, pending);
        pending = result.size();
      }
      result.push_back({{part, i == 0 ? 0 : 1}, order});
    }
  }
  sort_marks(result, pending);
  return result;
}

// The primary composite of two characters, or 0.
char32_t composed(char32_t first, char32_t second) {
  if (second < 0x300) return 0;
  utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  return utf8proc_normalize_utf32(pair, 2, options) == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

std::vector<ChangedCharacter> recomposed(const std::vector<Decomposed>& characters) {
  std::vector<ChangedCharacter> result;
  result.reserve(characters.size());
  std::size_t starter = 0;  // its index in the result
  bool has_starter = false;
  int last_class = -1;  // of the last mark kept after the starter; -1: none
  for (const auto& [character, order] : characters) {
    if (has_starter && last_class < order) {
      if (const char32_t both = composed(result[starter].character, character.character)) {
        result[starter].character = both;
        result[starter].change += character.change - 1;
        continue;
      }
    }
    if (order == 0) {
      has_starter = true;
      starter = result.size();
      last_class = -1;
    } else if (has_starter) {
      last_class = order;
    }
    result.push_back(character);
  }
  return result;
}

}  // namespace

std::vector<ChangedCharacter> normal_form(std::string_view text, NormalForm form) {
  const std::vector<Decomposed> characters = decomposed(text, form == NormalForm::kc || form == NormalForm::kd);
  if (form == NormalForm::c || form == NormalForm::kc) return recomposed(characters);
  std::vector<ChangedCharacter> result;
  result.reserve(characters.size());
  for (const Decomposed& each : characters) result.push_back(each.character);
  return result;
}

}  // namespace lethe
