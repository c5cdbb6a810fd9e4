// Unicode code points, their properties, and normal forms with the alignment of each character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// One character of a changed text, and its alignment to the old text.
struct ChangedCharacter {
  char32_t character = 0;
  /// 0: replaces the next old character; -n: the same, and the n old ones after it are removed; 1: inserted, shares its
  /// predecessor's origin.
  int change = 0;
};

/// The character at a byte of well-formed UTF-8; `at` moves past it.
char32_t next_character(std::string_view text, std::size_t& at);
/// The character before a byte; `at` moves to its first byte. `at` must not be 0.
char32_t previous_character(std::string_view text, std::size_t& at);
void append_utf8(std::string& text, char32_t character);
bool is_ascii(std::string_view text);

/// Unicode's White_Space.
bool is_white_space(char32_t character);
/// General categories N*, P* and ASCII's other punctuation ($+<=>^`|~), M*, Mn, and the "other" ones (Cc, Cf, Co). If a
/// category has changed, uses that of Unicode 8, as the `tokenizers` library does for punctuation and accents.
bool is_number(char32_t character);
bool is_punctuation(char32_t character);
bool is_mark(char32_t character);
bool is_nonspacing_mark(char32_t character);
bool is_other(char32_t character);
/// A character of words: letters, marks, digits, connectors, joiners (UTS 18, annex C).
bool is_word_character(char32_t character);
/// One character in lower case; U+0130 alone becomes two.
void append_lowercase(std::vector<ChangedCharacter>& result, char32_t character);

enum class NormalForm { c, d, kc, kd };
/// A text in a normal form (UAX 15), aligned as the `tokenizers` library does it.
std::vector<ChangedCharacter> normal_form(std::string_view text, NormalForm form);

}  // namespace lethe
