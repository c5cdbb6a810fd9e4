// Reads data files row by row, and passes on the content of each usable row in one role.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/file_report.h"
#include "data/row_reading.h"
#include "data/rows.h"
#include "data/sources.h"

namespace lethe {

/// Takes the content of one row. It adds to `pairs` and `duplicates` in the report of the row's file.
using TakeContent = std::function<void(RowContent&& content, std::uint64_t line, FileReport& report)>;

/// Reads all files, in order, each row by its own columns, and passes the content of usable rows to `take`.
/// @param need_response  false: prompts alone are enough
/// @return the report of each file
/// @throws Error (bad input) if a file cannot be read, its columns are unknown, or a source yields nothing
std::vector<FileReport> read_sources(std::span<const DataSource> sources, Role role, bool need_response,
                                     const ReadOptions& options, const TakeContent& take);

}  // namespace lethe
