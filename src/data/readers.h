// Rows out of data files, streamed: .jsonl, .json, .csv, .tsv, each also gzip-compressed; .parquet. Nothing is dropped
// in silence.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/rows.h"

namespace lethe {

class RowSource;

/// Reads a data file row by row in memory bounded by its longest row.
///
/// The format is told by the name (data.csv, data.jsonl.gz). `.jsonl` and `.json` may hold JSON lines, an array of
/// rows, rows one after another (over several lines each), or an object with a list of rows ({"data": […]}). NaN and
/// Infinity are read as null. The separator of a `.csv` is the one its header uses. Rows that are no JSON, no object,
/// no UTF-8, too long, or (CSV) of another number of fields than the header are counted and named in report(), and
/// reading goes on.
class RowReader {
 public:
  /// @throws Error (bad input) if the file cannot be read, its format is not known, or (.parquet) its component not
  /// built
  explicit RowReader(const std::filesystem::path& path, const ReadOptions& options = {});
  ~RowReader();
  RowReader(RowReader&&) noexcept;

  /// The next usable row, or nothing at the end.
  /// @throws Error (bad input) where the file as a whole is broken: truncated gzip, a JSON array that does not end
  std::optional<Row> next();

  /// Column names in the file's order: of a CSV its header; of JSON the keys of the rows read so far (the first 200).
  const std::vector<std::string>& columns() const;
  ReadReport& report() { return report_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  ReadReport report_;
  std::unique_ptr<RowSource> source_;
};

}  // namespace lethe
