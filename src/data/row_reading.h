// What one row says, once its columns are understood.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "prompts/chat_template.h"

namespace lethe {

/// What one row says: a prompt, its responses of the role asked for (best first), and answers known to be wrong.
struct RowContent {
  std::string prompt;
  std::vector<std::string> responses, wrong;
  std::vector<ChatMessage> before;
};

/// How one row was understood.
struct RowReading {
  std::string layout;  ///< as printed: "PKU-SafeRLHF", or the columns used; "" if the columns are not known
  std::vector<RowContent> contents;
  std::uint64_t not_learned = 0;  ///< answers that weight, train or masked leave out
  std::uint64_t unanswered = 0;   ///< last messages of a user
  /// The row belongs to a data set that is none for this role: what it is, and how to take it nevertheless.
  std::string wrong_role, option;
};

}  // namespace lethe
