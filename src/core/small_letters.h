// Small letters in place of capitals, of ASCII alone: for keywords, not for text that people read.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace lethe {

inline char small_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

inline std::string small_letters(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), small_letter);
  return small;
}

}  // namespace lethe
