// What became of the rows of one data file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/rows.h"

namespace lethe {

/// What became of one file.
struct FileReport {
  std::string path;
  std::string layout;             ///< "PKU-SafeRLHF", "TruthfulQA", …, or the columns used
  ReadReport rows;                ///< counted and named: rows that cannot be used
  std::uint64_t filtered = 0;     ///< rows that `where` left out
  std::uint64_t other_role = 0;   ///< rows without a response of the role asked for (no unsafe response, …)
  std::uint64_t not_learned = 0;  ///< answers and rows that weight, train or masked leave out
  std::uint64_t unanswered = 0;   ///< last messages of a user, where answers are wanted
  std::uint64_t duplicates = 0;   ///< pairs that were there already, word for word
  std::uint64_t pairs = 0;        ///< pairs taken
};

/// What to tell the user about a file that was read: "4,072 rows of pku/train.jsonl (PKU-SafeRLHF): 3,890 pairs, …",
/// then a line each for the first few rows that cannot be used.
std::vector<std::string> describe(const FileReport& report);

}  // namespace lethe
