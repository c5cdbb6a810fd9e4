// The optional fields of a request, which servers and models disagree about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/json.h"
#include "judges/completion.h"
#include "judges/judge_file.h"

namespace lethe {

struct RequestWording {
  std::optional<double> temperature = 0;          ///< nothing: none is sent
  std::optional<std::int64_t> most_tokens = 300;  ///< of an answer; nothing: no limit is sent
  std::string limit_field = "max_tokens";         ///< or max_completion_tokens
  bool other_limit_tried = false;

  /// Reads temperature (a number, or none) and either max_tokens or max_completion_tokens (a number, or none).
  /// @throws Error (bad input) naming the key
  static RequestWording read(JudgeFile& file);

  void add_to(Json& body) const;
  /// Gives way to a server that refuses a field by name: the limit is called by its other name, then left out; a
  /// temperature is left out. Errors about a limit's size change nothing, since another request may fit.
  /// @return what changed, for the user; empty: nothing
  std::string learn(const Completion& error);
};

}  // namespace lethe
