#include "data/column_check.h"

#include <algorithm>
#include <ranges>

#include "core/error.h"
#include "core/join.h"
#include "core/similar.h"
#include "data/fields.h"

namespace lethe {

std::string listed_columns(const std::vector<std::string>& columns, std::size_t limit) {
  const auto shown = columns | std::views::take(limit) |  // more than there is room for
                     std::views::transform([](const std::string& column) { return excerpt(column, 40); });
  return excerpt(join(shown, ", "), limit);
}

ColumnCheck::ColumnCheck(const DataSource& source, const RowFilter& filter, const std::vector<std::string>& header)
    : source_(source) {
  for (const std::string& name : filter.columns()) names_.push_back({name, true, false});
  for (const std::string& name : {source.prompt, source.response}) {
    if (!name.empty()) names_.push_back({name, false, false});
  }
  all_seen_ = names_.empty();
  if (header.empty()) return;
  for (const std::string& column : header) mark(column);
  any_row_ = true;
  check(header);
}

void ColumnCheck::mark(const std::string& column) {
  for (Name& name : names_) {
    // `a.b` is field b of column a. The names of prompt= and response= match in any case.
    name.seen = name.seen || name.text == column || name.text.substr(0, name.text.find('.')) == column ||
                (!name.of_filter && column_key(name.text) == column_key(column));
  }
}

void ColumnCheck::see(const Json& row) {
  any_row_ = true;
  if (all_seen_) return;
  for (auto field = row.begin(); field != row.end(); ++field) mark(field.key());
  all_seen_ = std::all_of(names_.begin(), names_.end(), [](const Name& name) { return name.seen; });
}

void ColumnCheck::check(const std::vector<std::string>& columns) const {
  if (!any_row_) return;
  for (const Name& name : names_) {
    if (name.seen) continue;
    Error error = bad_input((name.of_filter ? "cannot filter the rows of " : "cannot take pairs from ") + source_.path);
    if (name.of_filter) error.with("filter", excerpt(source_.where, 200));
    error.wanted("a column '" + excerpt(name.text) + "'").found(listed_columns(columns));
    if (const auto near = similar(name.text, columns); !near.empty()) error.hint("'" + excerpt(near[0]) + "'");
    throw error;
  }
}

}  // namespace lethe
