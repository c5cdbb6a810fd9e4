// What a RowReader reads through: one file format each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/bytes.h"
#include "data/readers.h"

namespace lethe {

/// One format's rows. Rows that cannot be used go into the report.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::optional<Row> next(ReadReport& report) = 0;

  std::vector<std::string> columns;
};

std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path, const ReadOptions& options, char separator);
std::unique_ptr<RowSource> open_json_lines(const std::filesystem::path& path, const ReadOptions& options);
/// Through the optional component (components/parquet.cpp). @throws Error (bad input) where it is not built
std::unique_ptr<RowSource> open_parquet(const std::filesystem::path& path, const ReadOptions& options);
/// An array of rows, rows one behind the other, or JSON lines: told by the beginning of the file.
std::unique_ptr<RowSource> open_json(const std::filesystem::path& path, const ReadOptions& options);

}  // namespace lethe
