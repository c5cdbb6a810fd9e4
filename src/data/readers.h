// Streams rows from data files: .jsonl, .json, .csv, .tsv, each also gzip-compressed; .parquet. Every skipped row is
// reported.
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
/// The file name gives the format (data.csv, data.jsonl.gz). `.jsonl` and `.json` may hold JSON lines, an array of
/// rows, consecutive rows (of several lines each), or an object with a list of rows ({"data": […]}). NaN and Infinity
/// are read as null. The header of a `.csv` gives its separator. Reading continues after a bad row: invalid JSON, not
/// an object, not UTF-8, too long, or (CSV) with more or fewer fields than the header. report() counts and lists bad
/// rows.
class RowReader {
 public:
  /// @throws Error (bad input) if the file cannot be read, its format is unknown, or the Parquet component is not built
  explicit RowReader(const std::filesystem::path& path, const ReadOptions& options = {});
  ~RowReader();
  RowReader(RowReader&&) noexcept;

  /// The next usable row, or nothing at the end.
  /// @throws Error (bad input) if the file as a whole is corrupt: truncated gzip, a JSON array without an end
  std::optional<Row> next();

  /// Column names in the file's order: the header of a CSV; for JSON the keys of the rows read so far (the first 200).
  const std::vector<std::string>& columns() const;
  ReadReport& report() { return report_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  ReadReport report_;
  std::unique_ptr<RowSource> source_;
};

}  // namespace lethe
