// Two texts in two columns of a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Columns that a text takes on a terminal: wide characters count two, combining ones none.
std::size_t display_width(std::string_view text);

/// Lines of at most `width` columns, broken at spaces where there are some; line breaks of the text are kept, control
/// characters neutralised (terminal_text()).
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Both texts beside each other within `width` columns, a bar between; each line ends with a line break.
std::string side_by_side(std::string_view left, std::string_view right, std::size_t width);

/// Columns of the terminal on standard output; 80 where there is none.
std::size_t terminal_width();

}  // namespace lethe
