#include "core/error.h"

#include <algorithm>
#include <cstdint>

#include "core/plain_text.h"
#include "core/utf8.h"

namespace lethe {

Error::Error(std::string doing, ExitCode code) : doing_(std::move(doing)), code_(code) {
  compose();
}

Error& Error::with(std::string label, std::string value) & {
  lines_.emplace_back(one_line(label), std::move(value));
  compose();
  return *this;
}

void Error::compose() {
  std::size_t width = 0;
  for (const auto& [label, value] : lines_) width = std::max(width, label.size());
  // Paths and names come from outside and must not add line breaks.
  text_ = one_line(doing_);
  for (const auto& [label, value] : lines_) {
    text_ += "\n  " + label + std::string(width - label.size() + 2, ' ') + one_line(value);
  }
}

std::string Error::on_one_line() const {
  std::string line = one_line(doing_);
  for (const auto& [label, value] : lines_) line += "; " + label + ": " + one_line(value);
  return line;
}

Error bad_input(std::string doing) {
  return Error(std::move(doing), ExitCode::bad_input);
}
Error bad_usage(std::string doing) {
  return Error(std::move(doing), ExitCode::usage);
}

std::string excerpt(std::string_view text, std::size_t limit) {
  // Takes a few bytes more than shown, so that a character at the limit is whole.
  const std::string whole = valid_utf8(text.substr(0, limit + 8));
  std::size_t end = 0;
  while (end < whole.size() && end < limit) end += character_length(whole[end]);
  return one_line(std::string_view(whole).substr(0, end)) + (end < whole.size() ? "…" : "");
}

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

}  // namespace lethe
