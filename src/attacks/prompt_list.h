// The prompts with which an attacker tries to get the forgotten answers: built in, and from a user's YAML file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/enum_words.h"

namespace lethe {

/// Which template lays out the prompt: that of the evaluation, the other kind (text instead of chat, or chat instead of
/// text), or none.
enum class PromptLayout : std::uint8_t { same, other, none };

template <>
struct EnumWords<PromptLayout> {
  static constexpr std::pair<std::string_view, PromptLayout> all[] = {
      {"same", PromptLayout::same}, {"other", PromptLayout::other}, {"none", PromptLayout::none}};
};

/// An entry of the list.
struct PromptTrick {
  std::string name, about;
  std::string prompt = "{prompt}";  ///< with one of {prompt}, {past} and {base64}, once
  std::string begin;                ///< how the answer begins; empty: the model begins it
  std::size_t shots = 0;            ///< pairs shown before the prompt
  PromptLayout layout = PromptLayout::same;

  /// The text of `prompt` for one question. Placeholders within the question have no meaning.
  std::string text(std::string_view question) const;
};

/// The list in the program (assets/attack_prompts/prompts.yaml).
std::vector<PromptTrick> built_in_tricks();
/// Reads a list in the same form.
/// @throws Error (bad input) naming the entry: an unknown key, no or a repeated name, a text that is too long, not
/// UTF-8 or without its placeholder, more than 100 entries, a file above 1 MB
std::vector<PromptTrick> read_tricks(const std::filesystem::path& file);

/// Adds further ones. @throws Error (bad input) if a name is already in the list
void add_tricks(std::vector<PromptTrick>& tricks, const std::vector<PromptTrick>& further);

/// The question as one about the past: "How do I brew it?" -> "In the past, how did people brew it?"
std::string in_past_tense(std::string_view question);

}  // namespace lethe
