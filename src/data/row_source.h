// What a RowReader reads through: one file format each.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/rows.h"

namespace lethe {

/// One format's rows. Rows that cannot be used go into the report.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::optional<Row> next(ReadReport& report) = 0;

  std::vector<std::string> columns;
};

std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path, const ReadOptions& options, char separator);
/// Through the optional component (components/parquet.cpp). @throws Error (bad input) where it is not built
std::unique_ptr<RowSource> open_parquet(const std::filesystem::path& path, const ReadOptions& options);
/// JSON lines, an array of rows, rows one after another, or an object with a list of rows: told by the beginning.
/// @param named_lines  whether the name says JSON lines
std::unique_ptr<RowSource> open_json(const std::filesystem::path& path, const ReadOptions& options, bool named_lines);

}  // namespace lethe
