// Selects rows by a condition: `split == 'train' and severity >= 2`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace lethe {

/// The field of a row by column name, or null if it has none. If no column is named `a.b`, it means field b of object
/// a.
const Json* find_field(const Json& fields, const std::string& column);

/// A filter on rows: `column op value` joined with `and`.
///
/// Operators: == != < > <= >= contains. Values: true, false, null, a number, 'text' or "text". A column name with other
/// characters than letters, digits, _ . and - needs backticks. CSV fields are text: text that looks like a number or a
/// truth value is compared as one with numbers and truth values. `contains`: part of a text, element of a list, key of
/// an object. A missing field is null.
class RowFilter {
 public:
  /// An empty text matches every row. @throws Error (usage) with the position of the mistake
  explicit RowFilter(std::string_view text);

  bool matches(const Json& fields) const;
  /// The columns that the filter uses.
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
