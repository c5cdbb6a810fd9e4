// The names of enum values in recipes, options and errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lethe {

/// Specialise it next to the enum, in the order of the documentation:
///
///     template <>
///     struct EnumWords<Quantize> {
///       static constexpr std::pair<std::string_view, Quantize> all[] = {{"none", Quantize::none}, …};
///     };
template <class Enum>
struct EnumWords;

template <class Enum>
concept HasWords = requires {
  EnumWords<Enum>::all;
};

/// "none"
template <HasWords Enum>
std::string word_of(Enum value) {
  for (const auto& [word, one] : EnumWords<Enum>::all) {
    if (one == value) return std::string(word);
  }
  return "";
}

/// The value of a word, or nothing.
template <HasWords Enum>
std::optional<Enum> from_word(std::string_view text) {
  for (const auto& [word, one] : EnumWords<Enum>::all) {
    if (word == text) return one;
  }
  return std::nullopt;
}

/// All words: {"none", "nf4"}
template <HasWords Enum>
std::vector<std::string> all_words() {
  std::vector<std::string> words;
  for (const auto& [word, one] : EnumWords<Enum>::all) words.emplace_back(word);
  return words;
}

}  // namespace lethe
