// Regular expressions over UTF-8 in the dialect of tokenizer.json (Oniguruma), run by PCRE2.
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

  /// Finds all matches from left to right, without overlap. An empty match counts unless the previous match ended
  /// there.
  /// @param text   well-formed UTF-8
  /// @param found  replaced by the matches
  /// @throws Error (bad input) if the matcher gives up: its own limits, or `seconds` and one more for each 100 kB
  void find_all(std::string_view text, std::vector<ByteRange>& found, double seconds = 2) const;
  /// Whether it matches anywhere, even an empty text. @throws Error as find_all()
  bool found_in(std::string_view text) const;
  /// Whether the pattern matches all of the text. @throws Error (bad input) if the matcher gives up
  bool matches_whole(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string pattern_;
};

}  // namespace lethe
