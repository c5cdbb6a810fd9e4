#include "data/file_report.h"

#include <algorithm>

#include "core/error.h"

namespace lethe {

std::vector<std::string> describe(const FileReport& report) {
  std::string text = with_commas(report.rows.rows) + " rows of " + report.path;
  if (!report.layout.empty()) text += " (" + report.layout + ")";
  text += ": " + with_commas(report.pairs) + " taken";
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += ", " + with_commas(count) + " " + what;
  };
  add(report.duplicates, "duplicates left out");
  add(report.filtered, "rows filtered out");
  add(report.other_role, "rows without a response of this kind");
  add(report.not_learned, "answers left out that are marked as not to be learned");
  add(report.unanswered, "last messages of a user left out");
  add(report.rows.bad_rows, "rows that cannot be used");
  std::vector<std::string> lines{text};
  constexpr std::size_t shown = 5;
  for (std::size_t i = 0; i < std::min(shown, report.rows.bad.size()); ++i) {
    lines.push_back(report.path + ", line " + with_commas(report.rows.bad[i].line) + ": " + report.rows.bad[i].why);
  }
  if (report.rows.bad_rows > shown) lines.push_back("… and " + with_commas(report.rows.bad_rows - shown) + " more");
  return lines;
}

}  // namespace lethe
