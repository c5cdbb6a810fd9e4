// Removes white space at the ends of a text.
#pragma once

#include <string_view>

namespace lethe {

inline constexpr std::string_view kWhiteSpace = " \t\r\n\f\v";

/// The text without these characters at either end.
inline std::string_view trimmed(std::string_view text, std::string_view characters = kWhiteSpace) {
  const std::size_t begin = text.find_first_not_of(characters);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(characters) - begin + 1);
}

}  // namespace lethe
