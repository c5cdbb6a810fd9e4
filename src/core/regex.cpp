#include "core/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.h"

namespace lethe {
namespace {

// PCRE2's \s holds U+180E, which Unicode no longer counts as white space.
const char* const kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// PCRE2's \w (before 10.43) leaves out combining marks, which belong to words for Unicode (UTS 18, annex C).
const char* const kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})";

std::string translated(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c != '\\' || at + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      result += c;
      continue;
    }
    const char next = pattern[++at];
    const char* const set = next == 's' || next == 'S' ? kSpaces : next == 'w' || next == 'W' ? kWord : nullptr;
    const bool negated = next == 'S' || next == 'W';
    if (set != nullptr && !in_class) {
      result += (negated ? "[^" : "[") + std::string(set) + "]";
    } else if (set != nullptr && !negated) {
      result += set;
    } else {
      result += c;
      result += next;
    }
  }
  return result;
}

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using Match = std::unique_ptr<pcre2_match_data, FreeMatch>;

}  // namespace

struct Regex::Code {
  pcre2_code* compiled = nullptr;
  ~Code() { pcre2_code_free(compiled); }
};

Regex::Regex(std::string_view pattern) : code_(std::make_unique<Code>()), pattern_(pattern) {
  const std::string text = translated(pattern);
  int problem = 0;
  PCRE2_SIZE where = 0;
  code_->compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), PCRE2_UTF | PCRE2_UCP,
                                  &problem, &where, nullptr);
  if (code_->compiled == nullptr) {
    char reason[256] = "";
    pcre2_get_error_message(problem, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof reason);
    throw bad_input("cannot use a regular expression")
        .with("pattern", excerpt(pattern))
        .found(std::string(reason) + " at " + std::to_string(where));
  }
  pcre2_jit_compile(code_->compiled, PCRE2_JIT_COMPLETE);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::vector<ByteRange> Regex::matches(std::string_view text) const {
  const Match data(pcre2_match_data_create_from_pattern(code_->compiled, nullptr));
  std::vector<ByteRange> found;
  std::size_t at = 0;
  while (at <= text.size()) {
    const int status = pcre2_match(code_->compiled, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                   PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status < 0) {
      throw bad_input("cannot apply a regular expression to a text of " + std::to_string(text.size()) + " bytes")
          .with("pattern", excerpt(pattern_))
          .found("PCRE2 error " + std::to_string(status));
    }
    const PCRE2_SIZE* where = pcre2_get_ovector_pointer(data.get());
    if (where[1] > where[0]) {
      found.emplace_back(where[0], where[1]);
      at = where[1];
    } else {
      at = where[1] < text.size() ? where[1] + character_length(text[where[1]]) : text.size() + 1;
    }
  }
  return found;
}

bool Regex::matches_whole(std::string_view text) const {
  const Match data(pcre2_match_data_create_from_pattern(code_->compiled, nullptr));
  return pcre2_match(code_->compiled, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                     PCRE2_ANCHORED | PCRE2_ENDANCHORED, data.get(), nullptr) >= 0;
}

}  // namespace lethe
