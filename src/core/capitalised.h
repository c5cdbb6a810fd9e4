// The beginning of a sentence.
#pragma once

#include <string>

namespace lethe {

/// The text with a capital in place of a first small letter of ASCII.
inline std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace lethe
