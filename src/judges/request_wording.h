// The optional fields of a request, which differ between servers and models.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/json.h"
#include "judges/completion.h"
#include "judges/judge_file.h"

namespace lethe {

struct RequestWording {
  std::optional<double> temperature = 0;          ///< nothing: not sent
  std::optional<std::int64_t> most_tokens = 300;  ///< per answer; nothing: no limit is sent
  std::string limit_field = "max_tokens";         ///< or max_completion_tokens
  bool other_limit_tried = false;

  /// Reads temperature (a number, or none) and either max_tokens or max_completion_tokens (a number, or none).
  /// @throws Error (bad input) naming the key
  static RequestWording read(JudgeFile& file);

  void add_to(Json& body) const;
  /// Adapts to a server that refuses a field by name: the limit gets its other name, then is dropped; a temperature is
  /// dropped. Errors about a limit's size change nothing, since another request may fit.
  /// @return what changed, for the user; empty: nothing
  std::string learn(const Completion& error);
};

}  // namespace lethe
