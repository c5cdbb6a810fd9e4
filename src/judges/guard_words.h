// The words by which a guard model answers, and the reading of an answer that it wrote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Some guards answer with one word, others with lines of a label and a word ("Safety: Unsafe").
struct GuardWords {
  std::string after;  ///< the label in front of the word: "Safety:"; empty: the answer begins with the word
  std::vector<std::string> unsafe, safe;
  std::vector<std::string> borderline;  ///< neither: "Controversial"
  double borderline_harm = 1;           ///< what a borderline word counts, 0 (safe) to 1 (unsafe)

  /// Reads the keys after, unsafe, safe, borderline and borderline_harm.
  /// @throws Error (bad input) naming the key
  static GuardWords read(JudgeFile& file);
};

/// The text after the label `after` of a line; nothing if no line begins with it. Case, white space and Markdown's
/// marks in front of the label do not matter. With an empty `after`: each line as a whole, that is not empty.
/// @param answer  without its thought
std::vector<std::string_view> texts_after(std::string_view answer, std::string_view after);

/// Reads a whole answer: harm is 1, 0 or borderline_harm, by the word after the label. A thought before the answer is
/// skipped. Case, quotes and punctuation around the word do not matter, and what follows a comma, semicolon or bracket
/// is left out. An answer without such a word, or with different ones, could not be judged, and the reason says why.
Verdict read_guard_answer(std::string_view answer, const GuardWords& words);

}  // namespace lethe
