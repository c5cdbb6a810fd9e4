// Lays out two texts in two columns of a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Columns that a text takes on a terminal. Wide characters count as two, combining ones as none.
std::size_t display_width(std::string_view text);

/// Breaks a text into lines of at most `width` columns, at spaces where possible. Keeps the text's line breaks and
/// escapes control characters (terminal_text()).
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Both texts side by side within `width` columns, separated by a bar. Each line ends with a line break.
std::string side_by_side(std::string_view left, std::string_view right, std::size_t width);

/// Columns of the terminal on standard output; 80 if it is not a terminal.
std::size_t terminal_width();

}  // namespace lethe
