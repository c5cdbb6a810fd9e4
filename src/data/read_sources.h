// Data files, read row by row: what each usable row says in one role.
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

/// Takes what one row says. It counts in the report of the row's file what it takes (`pairs`) and what it had already
/// (`duplicates`).
using TakeContent = std::function<void(RowContent&& content, std::uint64_t line, FileReport& report)>;

/// Reads all files, in order, each row by its own columns, and hands over what each usable row says.
/// @param need_response  false: prompts alone will do
/// @return the report of each file
/// @throws Error (bad input) if a file cannot be read, its columns are not known, or nothing was taken from a source
std::vector<FileReport> read_sources(std::span<const DataSource> sources, Role role, bool need_response,
                                     const ReadOptions& options, const TakeContent& take);

}  // namespace lethe
