// Whether the columns that a user named exist: in rows of JSON any row may bring one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/filter.h"
#include "data/sources.h"

namespace lethe {

/// Watches the rows of a file for the columns that the source and its filter name.
class ColumnCheck {
 public:
  /// @param header  all columns, where the format says them before the rows (CSV, Parquet); else empty
  /// @throws Error (bad input) naming a column that the header does not have
  ColumnCheck(const DataSource& source, const RowFilter& filter, const std::vector<std::string>& header);

  void see(const Json& row);
  /// After the last row. @param columns  those that were seen, for the message
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

/// Column names for a message, cut to `limit` bytes where they are many.
std::string listed_columns(const std::vector<std::string>& columns, std::size_t limit = 400);

}  // namespace lethe
