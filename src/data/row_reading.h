// The content of one row after its layout is recognised.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "prompts/chat_template.h"

namespace lethe {

/// A prompt, its responses in the requested role (best first), and answers known to be wrong.
struct RowContent {
  std::string prompt;
  std::vector<std::string> responses, wrong;
  std::vector<ChatMessage> before;
};

/// How one row was understood.
struct RowReading {
  std::string layout;  ///< as printed: "PKU-SafeRLHF", or the columns used; "" if unknown
  std::vector<RowContent> contents;
  std::uint64_t not_learned = 0;  ///< answers excluded by weight, train or masked
  std::uint64_t unanswered = 0;   ///< user messages at the end of a chat
  /// Set if the row's data set does not fit this role: what it is, and how to use it anyway.
  std::string wrong_role, option;
};

}  // namespace lethe
