// Training, validation and test pairs: split by prompt, so that no prompt of one stands in another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/pairs.h"

namespace lethe {

struct SplitOptions {
  double train = 0.7, validation = 0.1, test = 0.2;  ///< shares of the prompts; what they leave is unused
  /// `prompt`: equal prompts (but for case and white space) stay together.
  /// `similarity`: prompts of like words (TF-IDF cosine above `cosine`, transitively) stay together too.
  std::string by = "prompt";
  double cosine = 0.7;

  bool operator==(const SplitOptions&) const = default;
};

/// Pairs in the order they were given.
struct Split {
  std::vector<Pair> train, validation, test;
  std::uint64_t prompts_train = 0, prompts_validation = 0, prompts_test = 0, prompts_unused = 0;
  std::uint64_t groups = 0;  ///< that were kept together; by prompt: the number of prompts
};

/// Splits by a hash of (seed, prompt): the order of the rows changes nothing, and rows added later move few prompts.
/// @throws Error (usage) if a share is negative or not a number, they sum to more than 1, or `by` is not known
Split split_pairs(std::span<const Pair> pairs, const SplitOptions& options, std::uint64_t seed);

/// The part of each pair when prompts (or groups of like prompts) go into parts of these shares; shares.size(): none.
/// @throws Error as split_pairs()
struct Parts {
  std::vector<std::size_t> of_pair;
  std::vector<std::uint64_t> prompts;  ///< in each part, the last entry: in none
  std::uint64_t groups = 0;
};
Parts assign_parts(std::span<const Pair> pairs, const std::vector<double>& shares, const std::string& by, double cosine,
                   std::uint64_t seed);

/// Groups of prompts whose TF-IDF cosine (word unigrams, smooth idf, L2 norm) is above `threshold`, transitively.
/// @return for each prompt the index of the first prompt of its group. About linear in ordinary data.
std::vector<std::size_t> similarity_groups(std::span<const std::string> prompts, double threshold = 0.7);

}  // namespace lethe
