// Counts of the rows of one data file: used, left out, unusable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/rows.h"

namespace lethe {

struct FileReport {
  std::string path;
  std::string layout;             ///< "PKU-SafeRLHF", "TruthfulQA", …, or the columns used
  ReadReport rows;                ///< all rows counted; unusable rows listed
  std::uint64_t filtered = 0;     ///< rows that `where` excluded
  std::uint64_t other_role = 0;   ///< rows without a response of the requested role (no unsafe response, …)
  std::uint64_t not_learned = 0;  ///< answers and rows excluded by weight, train or masked
  std::uint64_t unanswered = 0;   ///< user messages at the end of a chat, if a response is needed
  std::uint64_t duplicates = 0;   ///< exact duplicates of earlier pairs
  std::uint64_t pairs = 0;        ///< pairs taken
};

/// Describes a file for the user: "4,072 rows of pku/train.jsonl (PKU-SafeRLHF): 3,890 pairs, …", then one line for
/// each of the first unusable rows.
std::vector<std::string> describe(const FileReport& report);

}  // namespace lethe
