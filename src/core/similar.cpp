#include "core/similar.h"

#include <algorithm>
#include <cctype>

namespace lethe {
namespace {

std::string plain_form(std::string_view name) {
  std::string plain(name);
  for (char& c : plain) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return plain;
}

// Optimal string alignment: Levenshtein's distance, with a swap of two neighbours as one edit.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j < last.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last.back();
}

}  // namespace

std::vector<std::string> similar(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 100, kMost = 3, kShortestBeginning = 3;
  if (name.empty() || name.size() > kLongest) return {};
  const std::string wanted = plain_form(name);
  std::size_t least = std::max<std::size_t>(1, wanted.size() / 3);
  std::vector<std::string> nearest;
  for (const std::string& candidate : candidates) {
    const std::string plain = plain_form(candidate);
    const bool begun = wanted.size() >= kShortestBeginning && plain.size() > wanted.size() && plain.starts_with(wanted);
    const std::size_t away = begun ? 1 : distance(wanted, plain);
    if (away > least || away >= wanted.size()) continue;  // not similar if every character is replaced
    if (away < least) nearest.clear();
    least = away;
    if (nearest.size() < kMost) nearest.push_back(candidate);
  }
  return nearest;
}

std::string either_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

}  // namespace lethe
