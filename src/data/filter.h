// Which rows to take: `split == 'train' and severity >= 2`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace lethe {

/// The field of a row by column name, or null if it has none. `a.b` is field b of object a where no column is named so.
const Json* find_field(const Json& fields, const std::string& column);

/// A filter on rows: `column op value` joined with `and`.
///
/// Operators: == != < > <= >= contains. Values: true, false, null, a number, 'text' or "text". A column whose name
/// holds more than letters, digits, _ . and - stands in backticks. Text that reads as a number or a truth value
/// compares as one with numbers and truth values (fields of a CSV are text). `contains`: part of a text, element of a
/// list, key of an object. A missing field is null.
class RowFilter {
 public:
  /// An empty text matches every row. @throws Error (usage) with the place of the mistake
  explicit RowFilter(std::string_view text);

  bool matches(const Json& fields) const;
  /// Columns the filter names.
  std::vector<std::string> columns() const;

 private:
  enum class Op { equal, unequal, less, greater, at_most, at_least, contains };
  struct Condition {
    std::string column;
    Op op;
    Json value;
  };
  static bool holds(const Condition& condition, const Json& fields);
  std::vector<Condition> conditions_;
};

}  // namespace lethe
