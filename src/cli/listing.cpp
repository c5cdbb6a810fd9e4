#include "cli/listing.h"

#include <algorithm>

#include "core/count_characters.h"

namespace lethe {

std::string aligned_lines(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], count_characters(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      text += row[i] + std::string(widths[i] + 2 - count_characters(row[i]), ' ');
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace lethe
