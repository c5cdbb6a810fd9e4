// Finds the texts that end an answer, which may lie across tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Takes an answer piece by piece and passes it on up to the first of the stop texts. It holds back what may be the
/// beginning of one, so that nothing of a stop text is ever shown.
class StopText {
 public:
  /// @param stops  none is empty
  explicit StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// @return the text that is now certain to come before a stop text; nothing after one was found
  std::string add(std::string_view piece);
  /// The text that was held back. Call it once, at the end.
  std::string finish();
  /// Whether a stop text was found.
  bool found() const { return found_; }

 private:
  std::size_t held_back() const;
  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace lethe
