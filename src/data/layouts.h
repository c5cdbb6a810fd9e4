// The known data sets: which columns tell them, and what a row of theirs says in each role.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/columns.h"

namespace lethe {

/// What one row says: a prompt, its responses of the role asked for (best first), and answers known to be wrong.
struct RowContent {
  std::string prompt;
  std::vector<std::string> responses, wrong;
  std::vector<ChatMessage> before;
};

/// How the rows of one file are understood.
class Layout {
 public:
  virtual ~Layout() = default;
  /// As told to the user: "PKU-SafeRLHF", or the columns used.
  virtual std::string name() const = 0;
  /// @return why the row cannot be used, or ""
  virtual std::string read(const Json& fields, Role role, RowContent& content) const = 0;
  /// The same for rows that say several things: of a chat, each turn of the assistant.
  virtual std::string read_all(const Json& fields, Role role, std::vector<RowContent>& contents) const {
    return read(fields, role, contents.emplace_back());
  }
};

/// The layout of a file that has these columns.
/// @param need_response  a file of prompts alone is refused
/// @throws Error (bad input) if the columns given do not exist or are not known, or the data set is none for this role
std::unique_ptr<Layout> find_layout(const DataSource& source, const std::vector<std::string>& columns, Role role,
                                    bool need_response);

}  // namespace lethe
