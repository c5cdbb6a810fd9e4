// Lists for the terminal: what there is, one line each.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// Rows in columns, all aligned to the left; the first row holds the titles. The last column may be of any width.
std::string aligned_lines(const std::vector<std::vector<std::string>>& rows);

}  // namespace lethe
