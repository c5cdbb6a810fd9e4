// Regular expressions over UTF-8 as tokenizer.json writes them (Oniguruma's dialect), run by PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"

namespace lethe {

class Regex {
 public:
  /// @throws Error (bad input) with the position if the pattern cannot be compiled
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// Matches from left to right, apart; empty matches are left out.
  /// @param text  well-formed UTF-8
  /// @throws Error if the matcher gives up (its limits on hostile patterns)
  std::vector<ByteRange> matches(std::string_view text) const;
  bool found_in(std::string_view text) const { return !matches(text).empty(); }
  /// Whether the pattern matches all of the text.
  bool matches_whole(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string pattern_;
};

}  // namespace lethe
