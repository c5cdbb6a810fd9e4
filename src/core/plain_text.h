// Text from outside, made harmless to look at: what would drive a terminal, or reorder and hide what is read.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Code point of one well-formed UTF-8 character.
char32_t code_point(std::string_view character);

/// Control characters (C0 but tab and line break, DEL, C1), embeddings, overrides and isolates of text direction,
/// invisible tag characters.
bool deceives(char32_t code);

/// Text that may be printed on a terminal: line breaks and tabs stay; C0 controls and DEL are shown by their pictures
/// (ESC as ␛), carriage returns are dropped, other deceiving characters and bytes that are no UTF-8 become U+FFFD. No
/// escape sequence survives.
std::string terminal_text(std::string_view text);

/// Text as a part of one line: what deceives is written out ("\x1b", "\u202e"), and so are line breaks and tabs
/// ("\n", "\t"); bytes that are no UTF-8 become U+FFFD.
std::string one_line(std::string_view text);
/// At most so many characters, none of them cut in two.
std::string first_characters(std::string_view text, std::size_t count);

}  // namespace lethe
