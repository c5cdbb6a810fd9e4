// Checks that the columns named by the user exist. In JSON files, any row may add a column.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/filter.h"
#include "data/sources.h"

namespace lethe {

/// Looks in the rows of a file for the columns named by the source and its filter.
class ColumnCheck {
 public:
  /// @param header  all columns if the format lists them before the rows (CSV, Parquet); else empty
  /// @throws Error (bad input) naming a column that is missing from the header
  ColumnCheck(const DataSource& source, const RowFilter& filter, const std::vector<std::string>& header);

  void see(const Json& row);
  /// Call after the last row. @param columns  the columns that were seen, for the message
  /// @throws Error (bad input) naming a column that no row had
  void check(const std::vector<std::string>& columns) const;

 private:
  struct Name {
    std::string text;
    bool of_filter, seen;
  };
  void mark(const std::string& column);
  DataSource source_;
  std::vector<Name> names_;
  bool any_row_ = false, all_seen_ = true;
};

/// Column names for a message, cut to `limit` bytes.
std::string listed_columns(const std::vector<std::string>& columns, std::size_t limit = 400);

}  // namespace lethe
