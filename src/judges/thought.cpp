#include "judges/thought.h"

#include <cstddef>

namespace lethe {
namespace {

struct ThoughtMarks {
  std::string_view open, close;
};
constexpr ThoughtMarks kThoughts[] = {
    {"<think>", "</think>"},
    {"<thinking>", "</thinking>"},
    {"<thought>", "</thought>"},
    {"<reasoning>", "</reasoning>"},
    {"<reflection>", "</reflection>"},
    {"<seed:think>", "</seed:think>"},
    {"[THINK]", "[/THINK]"},
    {"◁think▷", "◁/think▷"},
    {"<|channel|>analysis", "<|channel|>final<|message|>"},
};

}  // namespace

std::string_view stripped(std::string_view text) {
  constexpr const char* kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::optional<std::string_view> without_thought(std::string_view answer) {
  const std::string_view text = stripped(answer);
  if (text.starts_with('{')) return text;
  for (const ThoughtMarks& marks : kThoughts) {
    const std::size_t end = text.rfind(marks.close);
    if (end != std::string_view::npos) return stripped(text.substr(end + marks.close.size()));
    if (text.starts_with(marks.open)) return std::nullopt;
  }
  return text;
}

}  // namespace lethe
