#include "report/table.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/count_characters.h"
#include "core/error.h"
#include "core/plain_text.h"
#include "report/escape.h"

namespace lethe {
namespace {

constexpr std::size_t kLongestCell = 2000, kLongestLabel = 120;  // bytes
constexpr std::size_t kMostRows = 500;                           // in HTML

}  // namespace

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  const bool rounds_to_nothing = std::strpbrk(text, "123456789n") == nullptr;  // "inf" and "nan" hold an n
  return rounds_to_nothing && text[0] == '-' ? text + 1 : text;                // no -0.000
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string percent(double share) {
  return fixed(100 * share, 1) + "%";
}

std::string terminal_table(const Table& given) {
  // Cells may hold names of files and judges, which may contain line breaks.
  Table table = given;
  table.title = one_line(table.title);
  for (std::string& cell : table.columns) cell = one_line(cell);
  for (auto& row : table.rows) {
    for (std::string& cell : row) cell = one_line(cell);
  }
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t widest = count_characters(table.columns[i]);
    for (const auto& row : table.rows) widest = std::max(widest, count_characters(row[i]));
    widths.push_back(widest);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string space(widths[i] - count_characters(cells[i]), ' ');
      text += i == 0 ? cells[i] + space : "   " + space + cells[i];
    }
    return text + "\n";
  };
  std::string text = table.title.empty() ? "" : table.title + "\n";
  text += line(table.columns);
  std::size_t total = 0;
  for (const std::size_t w : widths) total += w + 3;
  for (std::size_t i = 3; i < total; ++i) text += "─";
  text += "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string markdown_table(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) {
      text += " ";
      for (const char c : cell) text += c == '|' ? std::string("\\|") : std::string(1, c == '\n' ? ' ' : c);
      text += " |";
    }
    return text + "\n";
  };
  std::string text = table.title.empty() ? "" : "**" + table.title + "**\n\n";
  text += line(table.columns) + "|" + std::string("---|");
  for (std::size_t i = 1; i < table.columns.size(); ++i) text += "---:|";
  text += "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string html_table(const Table& table) {
  // A separate region: a table too wide for a phone scrolls alone, also by keyboard.
  std::string html = "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" +
                     (table.title.empty() ? "Table" : html_bounded(table.title, 200)) + "\"><table class=\"" +
                     (table.prose ? "prose" : "figures") + "\">";
  if (!table.title.empty()) html += "<caption>" + html_bounded(table.title, kLongestCell) + "</caption>";
  html += "<thead><tr>";
  for (const std::string& column : table.columns)
    html += column.empty() ? "<td></td>" : "<th scope=\"col\">" + html_bounded(column, kLongestCell) + "</th>";
  html += "</tr></thead><tbody>";
  for (std::size_t r = 0; r < table.rows.size() && r < kMostRows; ++r) {
    const auto& row = table.rows[r];
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string label =
          table.columns[i].empty() ? "" : " data-label=\"" + html_bounded(table.columns[i], kLongestLabel) + "\"";
      const std::string text = html_bounded(row[i], kLongestCell);
      html += i == 0 ? "<th scope=\"row\"" + label + ">" + text + "</th>" : "<td" + label + ">" + text + "</td>";
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  if (table.rows.size() > kMostRows)
    html += "<p>" + with_commas(table.rows.size() - kMostRows) + " more rows are not shown.</p>\n";
  return html;
}

}  // namespace lethe
