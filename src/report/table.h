// Tables for the terminal and for HTML.
#pragma once

#include <string>
#include <vector>

namespace lethe {

struct Table {
  std::string title;
  std::vector<std::string> columns;            ///< the first one holds the rows' names
  std::vector<std::vector<std::string>> rows;  ///< as wide as columns
  bool prose = false;                          ///< in HTML: cells hold text, wrapped and left-aligned
};

/// Columns aligned: the first to the left, the others to the right. Ends with a newline.
std::string terminal_table(const Table& table);
/// A Markdown table after its title; "|" within cells is escaped.
std::string markdown_table(const Table& table);
/// <table> in a region that scrolls by itself; all text escaped, cells cut to 2,000 bytes, rows to 500. On a phone each
/// row is a block, its cells under each other with their columns' names.
std::string html_table(const Table& table);

/// 0.1234 -> "12.3%"
std::string percent(double share);
/// Fixed digits.
std::string fixed(double value, int digits);
/// At most six significant digits, no trailing zeros: "1", "2.5", "1e-05".
std::string short_number(double value);

}  // namespace lethe
