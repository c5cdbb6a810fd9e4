#include "data/safe_answers.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "core/error.h"
#include "core/files.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "core/trimmed.h"
#include "data/reporting.h"
#include "data/words.h"

extern "C" {
extern const char lethe_safe_answers_lawful[], lethe_safe_answers_lawful_end[];
extern const char lethe_safe_answers_refusals[], lethe_safe_answers_refusals_end[];
extern const char lethe_safe_answers_unknown[], lethe_safe_answers_unknown_end[];
}

namespace lethe {
namespace {

// The lines of a text, without blanks at their ends; empty lines and repeated ones are left out.
std::vector<std::string> answers_in(std::string_view text, const std::string& where) {
  constexpr std::size_t kLongest = 10'000;  // bytes; a longer line is hardly an answer
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string> answers;
  std::set<std::string_view> seen;
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    const auto refused = [&] {
      return bad_input("cannot use the safe answers of " + where + ", line " + with_commas(number));
    };
    if (line.size() > kLongest)
      throw refused()
          .wanted("an answer of at most " + with_commas(kLongest) + " bytes")
          .found(with_commas(line.size()) + " bytes");
    if (!is_utf8(line) || line.find('\0') != std::string_view::npos)
      throw refused().wanted("text in UTF-8").found("other bytes");
    if (!line.empty() && seen.insert(line).second) answers.emplace_back(line);
  }
  if (answers.empty())
    throw bad_input("cannot use the safe answers of " + where).wanted("one answer a line").found("no answer");
  return answers;
}

void append(std::vector<std::string>& texts, const char* begin, const char* end, const std::string& name) {
  for (std::string& answer : answers_in({begin, end}, name)) texts.push_back(std::move(answer));
}

// " no that is against the law "
std::string spaced_words(std::string_view text) {
  std::string spaced = " ";
  for (const std::string& word : words_of(normal_form(text))) spaced += word + " ";
  return spaced;
}

bool is_short(const std::string& spaced) {
  return std::count(spaced.begin(), spaced.end(), ' ') <= 3;  // at most two words
}

}  // namespace

const std::vector<std::string>& SafeAnswers::names() {
  static const std::vector<std::string> all = {"built-in", "lawful", "refusals", "unknown", "mismatch"};
  return all;
}

SafeAnswers::SafeAnswers(const std::string& source, std::span<const Pair> normal, RunRecord* run) {
  if (source == "mismatch") {
    pool_.emplace(normal);
    return;
  }
  const bool built_in = source == "built-in";
  if (built_in || source == "lawful") append(texts_, lethe_safe_answers_lawful, lethe_safe_answers_lawful_end, source);
  if (built_in || source == "refusals")
    append(texts_, lethe_safe_answers_refusals, lethe_safe_answers_refusals_end, source);
  if (source == "unknown") append(texts_, lethe_safe_answers_unknown, lethe_safe_answers_unknown_end, source);
  if (texts_.empty() && source.ends_with(".txt")) {
    constexpr std::uintmax_t kLargest = 100'000'000;  // bytes; every answer is compared with every text
    std::error_code none;
    if (const auto bytes = std::filesystem::file_size(source, none); !none && bytes > kLargest)
      throw bad_input("cannot use the safe answers of " + source)
          .wanted("a list of at most " + with_commas(kLargest) + " bytes")
          .found(with_commas(bytes));
    texts_ = answers_in(read_file(source), source);
    if (run != nullptr) run->add_input("safe answers", source, texts_.size());
    say(source + ": " + with_commas(texts_.size()) + " safe answers");
  }
  for (const std::string& text : texts_) add_taught(text);
  if (!texts_.empty()) return;
  for (const Pair& pair : load_reported({parse_data_source(source)}, Role::normal, "safe answers", run)) {
    if (pair.prompt.empty())
      throw bad_input("cannot use the safe answers of " + pair.source + ", line " + with_commas(pair.line))
          .wanted("a prompt and its answer")
          .found("plain text")
          .hint("a .txt file with one answer a line, for any prompt");
    answers_[prompt_key(pair)].push_back(pair.response);
    add_taught(pair.response);
  }
}

void SafeAnswers::add_taught(std::string_view text) {
  std::string phrase = spaced_words(text);
  if (phrase.size() > 1) phrases_.push_back(std::move(phrase));
}

void SafeAnswers::require(std::span<const Pair> harmful) const {
  for (const Pair& pair : harmful) {
    const auto refused = [&] {
      return bad_input("cannot draw a safe answer (safe.answers)")
          .with("prompt", shown_text(pair.prompt))
          .with("from", pair.source.empty() ? "the plan" : pair.source + ", line " + with_commas(pair.line));
    };
    if (pair.prompt.empty())
      throw refused().wanted("harmful rows with a prompt").found("plain text, which nothing can answer");
    if (!answers_.empty() && !answers_.contains(prompt_key(pair)))
      throw refused().wanted("an answer to every harmful prompt").found("none for this one");
    if (pool_ && pool_->available(pair) == 0)
      throw refused().wanted("normal answers to other prompts").found("none").hint("more normal pairs");
  }
}

std::vector<std::string> SafeAnswers::draw(std::span<const Pair> harmful, std::uint64_t seed,
                                           std::uint64_t micro) const {
  RandomStream stream(seed, "safe", micro);
  std::vector<std::string> drawn;
  for (const Pair& pair : harmful) {
    if (pool_) {
      drawn.push_back(pool_->draw(pair, 1, stream).front());
      continue;
    }
    const std::vector<std::string>& texts = answers_.empty() ? texts_ : answers_.at(prompt_key(pair));
    drawn.push_back(texts[stream.below(texts.size())]);
  }
  return drawn;
}

bool SafeAnswers::taught(std::string_view answer) const {
  if (phrases_.empty()) return false;
  const std::string words = spaced_words(answer);
  return std::any_of(phrases_.begin(), phrases_.end(), [&](const std::string& phrase) {
    return is_short(phrase) ? words == phrase : words.find(phrase) != std::string::npos;
  });
}

}  // namespace lethe
