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
  // Paths and names come from outside: the line breaks are ours alone.
  text_ = one_line(doing_);
  for (const auto& [label, value] : lines_) {
    text_ += "\n  " + label + std::string(width - label.size() + 2, ' ') + one_line(value);
  }
}

Error bad_input(std::string doing) {
  return Error(std::move(doing), ExitCode::bad_input);
}
Error bad_usage(std::string doing) {
  return Error(std::move(doing), ExitCode::usage);
}

std::string excerpt(std::string_view text, std::size_t limit) {
  // A few bytes more than are shown, so that a character at the limit is whole.
  const std::string whole = valid_utf8(text.substr(0, limit + 8));
  std::size_t end = 0;
  while (end < whole.size() && end < limit) end += character_length(whole[end]);
  return one_line(std::string_view(whole).substr(0, end)) + (end < whole.size() ? "…" : "");
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t substituted = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    // A key given without its group ("rank" for "lora.rank") is near as well.
    const bool tail = candidate.size() > name.size() + 1 && candidate.ends_with("." + std::string(name));
    const std::size_t distance = tail ? 0 : row.back();
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

}  // namespace lethe
