#include "judges/request_wording.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace lethe {
namespace {

constexpr const char* kLimit = "max_tokens";
constexpr const char* kCompletionLimit = "max_completion_tokens";

// Whether a text contains a name as a whole word: not "max_tokens" in "max_tokens_to_sample".
bool names(const std::string& text, std::string_view name) {
  const auto belongs = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !belongs(text[at - 1])) && (end == text.size() || !belongs(text[end]))) return true;
  }
  return false;
}

bool mentions_one_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// "max_tokens is too large: 300. This model's maximum context length is …"
bool is_about_size(const std::string& message) {
  return mentions_one_of(message, {"too large", "too long", "too high", "too small", "context length", "context window",
                                   "context size", "exceed", "greater than", "less than", "at most", "at least"}) &&
         !mentions_one_of(message, {"nsupported", "not support", "nknown", "nrecognized", "instead", "not permitted"});
}

}  // namespace

RequestWording RequestWording::read(JudgeFile& file) {
  RequestWording wording;
  wording.temperature = file.is_none("temperature") ? std::nullopt : std::optional(file.number("temperature", 0, 0, 2));
  const bool none = file.is_none(kLimit), none_completed = file.is_none(kCompletionLimit);
  const bool given = file.has(kLimit) && !none, given_completed = file.has(kCompletionLimit) && !none_completed;
  if (given && given_completed) file.refuse(kCompletionLimit, "this key or max_tokens", "both");
  if (given_completed) wording.limit_field = kCompletionLimit;
  if (given || given_completed) {
    wording.most_tokens = file.count(wording.limit_field, 300, 1, 1'000'000);
  } else if (none || none_completed) {
    wording.most_tokens.reset();
  }
  return wording;
}

void RequestWording::add_to(Json& body) const {
  if (temperature) body["temperature"] = *temperature;
  if (most_tokens) body[limit_field] = *most_tokens;
}

std::string RequestWording::learn(const Completion& error) {
  if (error.status != 400 && error.status != 422) return "";
  // If the error names a field by key, only that counts: its message may quote anything, even judged texts.
  const auto is_named = [&](std::string_view name) {
    return names(error.field.empty() ? error.message.substr(0, 2000) : error.field, name);
  };
  std::string changed;
  if (temperature && is_named("temperature")) {
    temperature.reset();
    changed = "no temperature (temperature: none)";
  }
  const std::string other = limit_field == kLimit ? kCompletionLimit : kLimit;
  if (most_tokens && (is_named(limit_field) || (is_named(other) && !other_limit_tried)) &&
      !is_about_size(error.message)) {
    if (!changed.empty()) changed += " and ";
    if (other_limit_tried) {
      most_tokens.reset();
      changed += "no limit of tokens (max_tokens: none)";
    } else {
      other_limit_tried = true;
      limit_field = other;
      changed += other + " (" + other + ": " + std::to_string(*most_tokens) + ")";
    }
  }
  return changed;
}

}  // namespace lethe
