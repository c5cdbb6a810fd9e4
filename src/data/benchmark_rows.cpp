#include "data/benchmark_rows.h"

#include "core/error.h"
#include "data/column_check.h"
#include "data/filter.h"
#include "data/readers.h"

namespace lethe {

FileReport read_benchmark_rows(const DataSource& source, const ReadOptions& options, const std::string& what,
                               const std::string& known_columns,
                               const std::function<std::string(const Fields&)>& recognise, const TakeRow& take) {
  FileReport report;
  report.path = source.path;
  const RowFilter filter(source.where);
  RowReader reader(source.path, options);
  ColumnCheck watch({source.path, "", "", source.where}, filter, reader.columns());
  std::uint64_t unknown = 0;
  while (auto row = reader.next()) {
    watch.see(row->fields);
    if (!filter.matches(row->fields)) {
      ++report.filtered;
      continue;
    }
    try {
      const Fields fields(row->fields);
      const std::string layout = recognise(fields);
      if (layout.empty()) {
        ++unknown;
        throw UnusableRow("no columns that are known");
      }
      if (report.layout.find(layout) == std::string::npos)
        report.layout += (report.layout.empty() ? "" : "; ") + layout;
      take(fields, {row->line, reader.report().rows - 1});
      ++report.pairs;
    } catch (const UnusableRow& error) {
      reader.report().add_bad(row->line, error.what());
    }
  }
  report.rows = reader.report();
  watch.check(reader.columns());
  if (unknown > 0 && report.layout.empty()) {
    throw bad_input("cannot take " + what + " from " + source.path)
        .wanted(known_columns)
        .found(listed_columns(reader.columns()));
  }
  if (report.pairs == 0) {
    Error error = bad_input("cannot take " + what + " from " + source.path);
    error.wanted("at least one row");
    for (const std::string& line : describe(report)) error.found(line);
    throw error;
  }
  return report;
}

}  // namespace lethe
