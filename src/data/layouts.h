// Row layouts: the known data sets, and common layouts of pairs, chats and preferences. Each row is recognised by its
// own columns, so a file may mix layouts.
#pragma once

#include "core/json.h"
#include "data/row_reading.h"
#include "data/sources.h"

namespace lethe {

/// Reads the rows of one source in one role.
class RowLayouts {
 public:
  /// @param need_response  false: prompts alone are enough
  RowLayouts(DataSource source, Role role, bool need_response);

  /// @throws UnusableRow (fields.h) if the row cannot be used
  RowReading read(const Json& row) const;

 private:
  DataSource source_;
  Role role_;
  bool need_response_;
};

}  // namespace lethe
