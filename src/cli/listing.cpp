#include "cli/listing.h"

#include <unistd.h>

#include <algorithm>
#include <span>

#include "cli/side_by_side.h"
#include "core/count_characters.h"

namespace lethe {
namespace {

using Cells = std::vector<std::string>;

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, count_characters(text)), ' ');
}

// `text` behind what stands in its line already, broken at the width. @param indent  of the further lines
std::string broken_text(const std::string& text, std::size_t width, std::size_t indent) {
  std::string lines;
  for (const std::string& line : wrapped(text, width - indent))
    lines += (lines.empty() ? "" : std::string(indent, ' ')) + line + "\n";
  return lines.empty() ? "\n" : lines;
}

std::string as_blocks(std::span<const Cells> rows, std::size_t width) {
  const Cells& titles = rows[0];
  std::size_t label = 0;
  for (const std::string& title : titles) label = std::max(label, count_characters(title) + 2);
  std::string text;
  for (const Cells& row : rows.subspan(1)) {
    text += row[0] + "\n";
    for (std::size_t i = 1; i < row.size(); ++i) {
      if (!row[i].empty()) text += "  " + padded(titles[i], label) + broken_text(row[i], width, label + 2);
    }
  }
  return text;
}

}  // namespace

std::size_t listing_width() {
  constexpr std::size_t kLeast = 40;
  return ::isatty(STDOUT_FILENO) == 0 ? 0 : std::max(terminal_width(), kLeast);
}

std::string aligned_lines(const std::vector<Cells>& rows, std::size_t width) {
  std::vector<std::size_t> widths;
  for (const Cells& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], count_characters(row[i]));
  }
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
  const bool bounded = width > 0 && !widths.empty() && before_last + widths.back() > width;
  if (bounded && before_last > width / 2) return as_blocks(rows, width);
  std::string text;
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += padded(row[i], widths[i] + 2);
    text += bounded ? broken_text(row.back(), width, before_last) : row.back() + "\n";
  }
  return text;
}

}  // namespace lethe
