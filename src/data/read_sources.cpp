#include "data/read_sources.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/join.h"
#include "data/column_check.h"
#include "data/fields.h"
#include "data/filter.h"
#include "data/folders.h"
#include "data/layouts.h"
#include "data/readers.h"

namespace lethe {
namespace {

const char* role_name(Role role) {
  return role == Role::harmful ? "harmful" : role == Role::normal ? "normal" : "training";
}

std::string listed(const Json& row) {
  std::vector<std::string> keys;
  for (auto field = row.begin(); field != row.end() && keys.size() < 100; ++field) keys.push_back(field.key());
  return listed_columns(keys, 200);
}

Error unknown_columns(const DataSource& source, const std::vector<std::string>& columns, bool need_response) {
  return bad_input("cannot tell which columns of " + source.path + " hold prompts" +
                   (need_response ? " and responses" : ""))
      .wanted("the columns of a known data set (prompt and response, question and answer, messages, …)")
      .found(listed_columns(columns))
      .hint("name them: " + source.path + ":prompt=COLUMN" + (need_response ? ",response=COLUMN" : ""));
}

/// The layouts of a file, in order of first appearance.
class LayoutNames {
 public:
  void add(const std::string& name) {
    if (name == last_ || !known_.insert(name).second) return;
    last_ = name;
    constexpr std::size_t most = 4;
    if (known_.size() <= most + 1) shown_.push_back(known_.size() <= most ? name : "…");
  }
  std::string text() const { return join(shown_, "; "); }

 private:
  std::string last_;
  std::set<std::string> known_;
  std::vector<std::string> shown_;
};

/// Reads one file and passes on the content of each usable row.
FileReport read_rows(const DataSource& source, Role role, bool need_response, const ReadOptions& options,
                     const TakeContent& take) {
  FileReport report;
  report.path = source.path;
  const RowFilter filter(source.where);
  RowReader reader(source.path, options);
  ColumnCheck watch(source, filter, reader.columns());
  const RowLayouts layouts(source, role, need_response);
  LayoutNames names;
  std::uint64_t unknown = 0, taken = 0;
  RowReading wrong_role;
  while (auto row = reader.next()) {
    watch.see(row->fields);
    if (!filter.matches(row->fields)) {
      ++report.filtered;
      continue;
    }
    RowReading reading;
    try {
      reading = layouts.read(row->fields);
    } catch (const UnusableRow& error) {
      reader.report().add_bad(row->line, error.what());
      continue;
    }
    if (reading.layout.empty()) {
      ++unknown;
      reader.report().add_bad(row->line, "no columns that are known: " + listed(row->fields));
      continue;
    }
    names.add(reading.layout);
    report.not_learned += reading.not_learned;
    report.unanswered += reading.unanswered;
    if (!reading.wrong_role.empty()) {
      ++report.other_role;
      wrong_role = std::move(reading);
      continue;
    }
    for (RowContent& content : reading.contents) {
      if (need_response && content.responses.empty()) {
        ++report.other_role;
      } else {
        ++taken;
        take(std::move(content), row->line, report);
      }
    }
  }
  report.rows = reader.report();
  report.layout = names.text();
  watch.check(reader.columns());
  if (taken == 0 && !wrong_role.wrong_role.empty()) {
    throw bad_input("cannot take " + source.path + " as " + role_name(role) + " data")
        .found(wrong_role.wrong_role)
        .hint("if that is what you mean, name the columns: " + source.path + ":" + wrong_role.option);
  }
  if (unknown > 0 && unknown == report.rows.bad_rows && report.layout.empty())
    throw unknown_columns(source, reader.columns(), need_response);
  return report;
}

/// Every source must yield something. In a folder or pattern one file is enough, as a filter may exclude the others.
/// @param of_source  the reports of its files
void check_found(std::span<const FileReport> of_source, Role role, const std::string& what) {
  const bool found = std::any_of(of_source.begin(), of_source.end(),
                                 [](const FileReport& report) { return report.pairs + report.duplicates > 0; });
  if (found || of_source.empty()) return;
  Error error =
      bad_input("cannot take " + std::string(role_name(role)) + " " + what + " from " + of_source.front().path);
  error.wanted("at least one row");
  constexpr std::size_t shown = 3;
  for (const FileReport& report : of_source.first(std::min(shown, of_source.size()))) {
    for (const auto& line : describe(report)) error.found(line);
  }
  throw error;
}

}  // namespace

std::vector<FileReport> read_sources(std::span<const DataSource> sources, Role role, bool need_response,
                                     const ReadOptions& options, const TakeContent& take) {
  std::vector<FileReport> reports;
  for (const DataSource& source : sources) {
    const std::size_t first = reports.size();
    for (const DataSource& file : expand_sources({&source, 1}))
      reports.push_back(read_rows(file, role, need_response, options, take));
    check_found(std::span(reports).subspan(first), role, need_response ? "pairs" : "prompts");
  }
  return reports;
}

}  // namespace lethe
