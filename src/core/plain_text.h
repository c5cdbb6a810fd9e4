// Makes text from outside safe to print: no terminal control, no reordered or hidden text.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Code point of one well-formed UTF-8 character.
char32_t code_point(std::string_view character);

/// Control characters (C0 except tab and line break, DEL, C1), embeddings, overrides and isolates of text direction,
/// invisible tag characters.
bool deceives(char32_t code);

/// Text that may be printed on a terminal: line breaks and tabs stay; C0 controls and DEL are shown as their symbols
/// (ESC as ␛), carriage returns are dropped, other deceiving characters and invalid UTF-8 become U+FFFD. No escape
/// sequence survives.
std::string terminal_text(std::string_view text);

/// Text for use within one line: deceiving characters, line breaks and tabs are escaped ("\x1b", "\u202e", "\n", "\t");
/// invalid UTF-8 becomes U+FFFD.
std::string one_line(std::string_view text);
/// The first `count` characters at most, none cut in two.
std::string first_characters(std::string_view text, std::size_t count);

}  // namespace lethe
