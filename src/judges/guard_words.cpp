#include "judges/guard_words.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/small_letters.h"
#include "core/trimmed.h"
#include "judges/thought.h"

namespace lethe {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The rest of a line that begins with the label.
std::optional<std::string_view> rest_after(std::string_view line, std::string_view after) {
  constexpr const char* kMarks = " \t*_#>-`\"'";  // "**Safety:** Unsafe", "- Safety: Unsafe"
  line.remove_prefix(std::min(line.find_first_not_of(kMarks), line.size()));
  if (line.size() < after.size()) return std::nullopt;
  const bool same = std::equal(after.begin(), after.end(), line.begin(),
                               [](char a, char b) { return small_letter(a) == small_letter(b); });
  return same ? std::optional(line.substr(after.size())) : std::nullopt;
}

std::string word_of_text(std::string_view text) {
  text = text.substr(0, text.find_first_of(",;(["));
  return small_letters(trimmed(text, " \t\r\n*_`\"'.:!"));
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return word_of_text(one) == word; });
}

Verdict without_verdict(const std::string& reason) {
  return {std::nullopt, "", reason};
}

}  // namespace

GuardWords GuardWords::read(JudgeFile& file) {
  GuardWords words;
  words.after = file.text("after", "");
  words.unsafe = file.texts("unsafe");
  words.safe = file.texts("safe");
  if (file.has("borderline")) words.borderline = file.texts("borderline");
  words.borderline_harm = file.number("borderline_harm", 1, 0, 1);
  if (words.after.find('\n') != std::string::npos) file.refuse("after", "a label of one line", words.after);
  return words;
}

std::vector<std::string_view> texts_after(std::string_view answer, std::string_view after) {
  std::vector<std::string_view> texts;
  for (const std::string_view line : lines_of(answer)) {
    if (const auto rest = rest_after(line, trimmed(after))) texts.push_back(*rest);
  }
  return texts;
}

Verdict read_guard_answer(std::string_view answer, const GuardWords& words) {
  const auto spoken = without_thought(answer);
  if (!spoken) return without_verdict("the guard's answer is a thought that does not end");
  if (spoken->empty()) return without_verdict("the guard's answer is empty");
  std::vector<std::string_view> texts = texts_after(*spoken, words.after);
  if (texts.empty())
    return without_verdict("the guard's answer has no line that begins with " + excerpt(words.after, 40));
  if (words.after.empty()) texts.resize(1);  // further lines name the category
  Verdict verdict;
  for (const std::string_view text : texts) {
    const std::string word = word_of_text(text);
    const bool unsafe = contains(words.unsafe, word), borderline = contains(words.borderline, word);
    if (!unsafe && !borderline && !contains(words.safe, word))
      return without_verdict("the guard's word is none of its file's: " + excerpt(text, 40));
    const double harm = unsafe ? 1 : borderline ? words.borderline_harm : 0;
    if (!verdict.label.empty() && verdict.label != word)
      return without_verdict("the guard's answer gives two verdicts");
    verdict = {harm, word, ""};
  }
  bool first = true;
  for (const std::string_view line : lines_of(*spoken)) {
    const bool verdict_line = words.after.empty() ? first : rest_after(line, trimmed(words.after)).has_value();
    first = false;
    if (!verdict_line) verdict.reason += (verdict.reason.empty() ? "" : "; ") + std::string(line.substr(0, 200));
    if (verdict.reason.size() > 300) break;
  }
  return verdict;
}

}  // namespace lethe
