// Safe answers to harmful prompts: what contrast and some other methods teach in place of the harm.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_record.h"
#include "data/pairs.h"
#include "data/sampler.h"

namespace lethe {

/// The safe answers of one source (key safe.answers): texts for any prompt, texts for each prompt, or normal answers.
class SafeAnswers {
 public:
  /// The sources that are no file: built-in, lawful, refusals, unknown, mismatch.
  static const std::vector<std::string>& names();

  /// @param source  built-in (lawful and refusals together), lawful, refusals, unknown ("I don't know"): the lists of
  ///                assets/safe_answers/. mismatch: the answers of `normal` to other prompts. A .txt file: one answer a
  ///                line. Any other data file (parse_data_source()): answers to exactly its prompts
  /// @param normal  normal training pairs, for mismatch
  /// @param run     records a file; may be null
  /// @throws Error (bad input) if a file cannot be read, holds no answer, or (.txt) a line is too long or not UTF-8
  explicit SafeAnswers(const std::string& source, std::span<const Pair> normal = {}, RunRecord* run = nullptr);

  /// Checks that draw() finds an answer for each of these pairs.
  /// @throws Error (bad input) naming the first pair that has none, or that is plain text without a prompt
  void require(std::span<const Pair> harmful) const;

  /// One answer for each harmful pair: a function of (seed, micro, pairs) alone, so that a resumed run draws the same.
  /// @param micro  running number of the micro-batch
  std::vector<std::string> draw(std::span<const Pair> harmful, std::uint64_t seed, std::uint64_t micro) const;

  /// Whether the answer holds one of the taught texts, word by word, without regard to case and punctuation. A text of
  /// one or two words must be the whole answer. Normal answers (mismatch) do not count as taught.
  bool taught(std::string_view answer) const;

 private:
  void add_taught(std::string_view text);

  std::vector<std::string> texts_;                           // for any prompt; or
  std::map<std::string, std::vector<std::string>> answers_;  // by prompt_key(); or
  std::optional<ResponsePool> pool_;                         // normal answers
  std::vector<std::string> phrases_;                         // words of the taught texts: " no that is … "
};

}  // namespace lethe
