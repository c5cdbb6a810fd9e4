#include "core/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/error.h"
#include "core/regex_dialect.h"

namespace lethe {
namespace {

// A search over a longer text is divided into stretches of start positions, to check the clock between them. At each
// position, a pattern may read the whole rest of the text, or just less than the allowed steps, before it fails.
constexpr std::size_t kLongText = 1 << 10, kStretch = 1 << 8;
constexpr std::size_t kMatchesBetweenClocks = 1 << 10;

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using Match = std::unique_ptr<pcre2_match_data, FreeMatch>;

// A thread's memory for matching, allocated once.
struct Matcher {
  Match data{pcre2_match_data_create(1, nullptr)};
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(1 << 15, 1 << 26, nullptr);
  Matcher() { pcre2_jit_stack_assign(context, nullptr, stack); }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;
  ~Matcher() {
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
};

Matcher& matcher() {
  thread_local Matcher instance;
  return instance;
}

}  // namespace

struct Regex::Code {
  pcre2_code* compiled = nullptr;
  ~Code() { pcre2_code_free(compiled); }
};

Regex::Regex(std::string_view pattern) : code_(std::make_unique<Code>()), pattern_(pattern) {
  const std::string text = pcre2_of_oniguruma(pattern);
  int problem = 0;
  PCRE2_SIZE where = 0;
  code_->compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT, &problem, &where, nullptr);
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

void Regex::find_all(std::string_view text, std::vector<ByteRange>& found, double seconds) const {
  using Clock = std::chrono::steady_clock;
  found.clear();
  const auto give_up = [&](const std::string& why) {
    throw bad_input("cannot apply a regular expression to a text of " + with_commas(text.size()) + " bytes")
        .with("pattern", excerpt(pattern_))
        .found(why);
  };
  const bool is_long = text.size() > kLongText;
  const auto limit = seconds + static_cast<double>(text.size()) / 100'000;
  const auto begin = is_long ? Clock::now() : Clock::time_point();
  Matcher& with = matcher();
  if (!is_long) pcre2_set_offset_limit(with.context, PCRE2_UNSET);
  // Steps at one start position. The limit allows reading the rest of the text once, and backtracking.
  pcre2_set_match_limit(with.context,
                        static_cast<std::uint32_t>(std::clamp<std::size_t>(4 * text.size(), 100'000, 1U << 31)));
  const PCRE2_SIZE* const where = pcre2_get_ovector_pointer(with.data.get());
  std::size_t at = 0, rounds = 0;
  while (at <= text.size()) {
    if (is_long) {
      if (++rounds >= kMatchesBetweenClocks) {
        rounds = 0;
        if (std::chrono::duration<double>(Clock::now() - begin).count() > limit) give_up("it takes too long");
      }
      pcre2_set_offset_limit(with.context, at + kStretch);
    }
    const int status = pcre2_match(code_->compiled, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                   PCRE2_NO_UTF_CHECK, with.data.get(), with.context);
    if (status == PCRE2_ERROR_NOMATCH) {
      if (!is_long || at + kStretch >= text.size()) break;
      rounds = kMatchesBetweenClocks;  // a stretch without a match may be slow
      at += kStretch;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
      continue;
    }
    if (status < 0) give_up("PCRE2 error " + std::to_string(status));
    // A match can start before `at` only by \K in a lookbehind, and the search would not advance.
    const std::size_t first = where[0], last = std::max<std::size_t>(where[1], at);
    if (first < last || found.empty() || found.back().second != last) {
      if (first <= last) found.emplace_back(first, last);
      at = last;
      if (first < last) continue;
    }
    at = last < text.size() ? last + character_length(text[last]) : text.size() + 1;
  }
}

bool Regex::found_in(std::string_view text) const {
  std::vector<ByteRange> found;
  find_all(text, found);
  return !found.empty();
}

bool Regex::matches_whole(std::string_view text) const {
  Matcher& with = matcher();
  pcre2_set_offset_limit(with.context, PCRE2_UNSET);
  pcre2_set_match_limit(with.context, 1'000'000);
  const int status = pcre2_match(code_->compiled, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                 PCRE2_ANCHORED | PCRE2_ENDANCHORED, with.data.get(), with.context);
  if (status < 0 && status != PCRE2_ERROR_NOMATCH) {
    throw bad_input("cannot apply a regular expression to a text of " + with_commas(text.size()) + " bytes")
        .with("pattern", excerpt(pattern_))
        .found("PCRE2 error " + std::to_string(status));
  }
  return status >= 0;
}

}  // namespace lethe
