// Replaces every occurrence of a part of a text.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// In one pass from the left: what was put in is not searched again. @param what  not empty
inline void replace_all(std::string& text, std::string_view what, std::string_view with) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t found = text.find(what); found != std::string::npos; found = text.find(what, at)) {
    result.append(text, at, found - at).append(with);
    at = found + what.size();
  }
  text = result.append(text, at);
}

}  // namespace lethe
