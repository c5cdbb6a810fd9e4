#include "judges/thought.h"

#include <cstddef>

#include "core/trimmed.h"

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

std::optional<std::string_view> without_thought(std::string_view answer) {
  const std::string_view text = trimmed(answer);
  if (text.starts_with('{')) return text;
  for (const ThoughtMarks& marks : kThoughts) {
    const std::size_t end = text.rfind(marks.close);
    if (end != std::string_view::npos) return trimmed(text.substr(end + marks.close.size()));
    if (text.starts_with(marks.open)) return std::nullopt;
  }
  return text;
}

}  // namespace lethe
