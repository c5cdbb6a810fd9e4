// Reads the files of benchmarks row by row, and counts what cannot be used.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/fields.h"
#include "data/file_report.h"
#include "data/sources.h"

namespace lethe {

/// Where a row is in its file.
struct RowPlace {
  std::uint64_t line = 0;   ///< from 1
  std::uint64_t index = 0;  ///< rows before it, unusable ones counted
};

/// Stores one row. @throws UnusableRow
using TakeRow = std::function<void(const Fields& fields, const RowPlace& place)>;

/// Reads the rows of one file and counts them in the report.
/// @param what           what the file holds, for errors: "multiple-choice questions"
/// @param known_columns  the columns that `recognise` knows, for errors
/// @param recognise      names the layout of a row; "" for unknown columns
/// @throws Error (bad input) if the file cannot be read, its columns are unknown, or no row is usable
FileReport read_benchmark_rows(const DataSource& source, const ReadOptions& options, const std::string& what,
                               const std::string& known_columns,
                               const std::function<std::string(const Fields&)>& recognise, const TakeRow& take);

}  // namespace lethe
