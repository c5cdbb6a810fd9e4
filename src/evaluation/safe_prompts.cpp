#include "evaluation/safe_prompts.h"

#include <string_view>

#include "core/json.h"

extern "C" {
extern const char lethe_safe_prompts[], lethe_safe_prompts_end[];
}

namespace lethe {

std::vector<Question> safe_prompts(SafePromptPart part) {
  std::vector<Question> questions;
  const std::string_view text(lethe_safe_prompts, lethe_safe_prompts_end);
  std::uint64_t number = 0;
  for (const JsonLine& line : parse_json_lines(text, "assets/safe_prompts/safe_prompts.jsonl")) {
    // Kinds have an even number of prompts, so each half has as many of every kind.
    const bool reported = ++number % 2 == 1;
    if (reported != (part == SafePromptPart::report)) continue;
    Question question;
    question.prompt = line.value.at("prompt").get<std::string>();
    question.source = "built-in safe prompts";
    question.line = number;
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace lethe
