// Lists for the terminal: what there is, one line each.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lethe {

/// The width within which lists are printed: that of the terminal; 0, without bound, where a program reads them.
std::size_t listing_width();

/// Rows in columns, all aligned to the left; the first row holds the titles. A row is one line if it fits into the
/// width. Otherwise the last column is broken into lines, or, where the others leave less than half of the width to it,
/// each row becomes a block of lines "title  text".
/// @param width  columns; 0: without bound
std::string aligned_lines(const std::vector<std::vector<std::string>>& rows, std::size_t width = listing_width());

}  // namespace lethe
