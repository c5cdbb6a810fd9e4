// Rows of data files, and the report of unusable ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace lethe {

/// One row: its fields by column name (an object), and the line of the file on which it begins (from 1).
/// A JSON row that is a plain string becomes {"text": …}. CSV fields are strings.
struct Row {
  std::uint64_t line = 0;
  Json fields;
};

/// A row that could not be used, and why.
struct BadRow {
  std::uint64_t line = 0;
  std::string why;
};

/// Counts of the rows of one file. `bad` holds the first unusable rows, `bad_rows` counts all.
struct ReadReport {
  static constexpr std::size_t kept = 20;

  std::uint64_t rows = 0;
  std::uint64_t bad_rows = 0;
  std::vector<BadRow> bad;

  void add_bad(std::uint64_t line, std::string why);
};

/// Limits that protect the program from a data file.
struct ReadOptions {
  std::size_t max_row_bytes = 100'000'000;          ///< per row, as text
  double max_expansion = 200;                       ///< gzip: bytes out per byte in, …
  std::uint64_t expansion_free = 64 * 1024 * 1024;  ///< … checked beyond this many bytes out
  /// Names of a CSV's columns if its first line is a row, as in MMLU's files; empty: the first line names them.
  std::vector<std::string> columns;
};

}  // namespace lethe
