// Lists as text.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// "a, b, c" of the parts a, b and c with the separator ", ".
/// @param parts  texts: a vector, an array, a set, or a view of them
template <class Parts>
std::string join(const Parts& parts, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& part : parts) {
    if (!first) text += separator;
    text += part;
    first = false;
  }
  return text;
}

}  // namespace lethe
