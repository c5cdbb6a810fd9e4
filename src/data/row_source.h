// The file formats behind RowReader.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/rows.h"

namespace lethe {

/// The rows of one format. Unusable rows go into the report.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::optional<Row> next(ReadReport& report) = 0;

  std::vector<std::string> columns;
};

std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path, const ReadOptions& options, char separator);
/// Through the optional component (components/parquet.cpp). @throws Error (bad input) if it is not built
std::unique_ptr<RowSource> open_parquet(const std::filesystem::path& path, const ReadOptions& options);
/// JSON lines, an array of rows, consecutive rows, or an object with a list of rows; the beginning of the file decides.
/// @param named_lines  whether the name says JSON lines
std::unique_ptr<RowSource> open_json(const std::filesystem::path& path, const ReadOptions& options, bool named_lines);

}  // namespace lethe
