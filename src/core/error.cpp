#include "core/error.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace lethe {

Error::Error(std::string doing, ExitCode code) : doing_(std::move(doing)), code_(code) {
  compose();
}

Error& Error::with(std::string label, std::string value) & {
  lines_.emplace_back(std::move(label), std::move(value));
  compose();
  return *this;
}

void Error::compose() {
  std::size_t width = 0;
  for (const auto& [label, value] : lines_) width = std::max(width, label.size());
  text_ = doing_;
  for (const auto& [label, value] : lines_) {
    text_ += "\n  " + label + std::string(width - label.size() + 2, ' ') + value;
  }
}

Error bad_input(std::string doing) {
  return Error(std::move(doing), ExitCode::bad_input);
}
Error bad_usage(std::string doing) {
  return Error(std::move(doing), ExitCode::usage);
}

std::string excerpt(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool starts_character = (byte & 0xC0) != 0x80;
    if (i >= limit && starts_character) return out + "…";
    if (i >= limit + 3) return out + "…";  // not UTF-8 at all
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\x%02x", byte);
      out += buffer;
    } else {
      out += text[i];
    }
  }
  return out;
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
