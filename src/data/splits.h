// Splits pairs into training, validation and test by prompt, so that no prompt is in two parts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/enum_words.h"
#include "data/pairs.h"

namespace lethe {

/// `prompt`: equal prompts (ignoring case and white space) stay together.
/// `similarity`: prompts with similar words (TF-IDF cosine above `cosine`, transitively) also stay together.
enum class SplitBy { prompt, similarity };

template <>
struct EnumWords<SplitBy> {
  static constexpr std::pair<std::string_view, SplitBy> all[] = {{"prompt", SplitBy::prompt},
                                                                 {"similarity", SplitBy::similarity}};
};

/// @throws Error (usage) for another word
SplitBy split_by_named(const std::string& word);

struct SplitOptions {
  double train = 0.7, validation = 0.1, test = 0.2;  ///< shares of the prompts; the rest is unused
  SplitBy by = SplitBy::prompt;
  double cosine = 0.7;

  bool operator==(const SplitOptions&) const = default;
};

/// Pairs in the order they were given.
struct Split {
  std::vector<Pair> train, validation, test;
  std::uint64_t prompts_train = 0, prompts_validation = 0, prompts_test = 0, prompts_unused = 0;
  std::uint64_t groups = 0;  ///< kept together; with `prompt`, the number of prompts
};

/// Splits by a hash of (seed, prompt): the order of the rows does not matter, and rows added later move few prompts.
/// @throws Error (usage) if a share is negative or not a number, or they sum to more than 1
Split split_pairs(std::span<const Pair> pairs, const SplitOptions& options, std::uint64_t seed);

/// The part of each pair, if prompts (or groups of similar prompts) are split by these shares; shares.size(): none.
/// @throws Error as split_pairs()
struct Parts {
  std::vector<std::size_t> of_pair;
  std::vector<std::uint64_t> prompts;  ///< in each part, the last entry: in none
  std::uint64_t groups = 0;
};
Parts assign_parts(std::span<const Pair> pairs, const std::vector<double>& shares, SplitBy by, double cosine,
                   std::uint64_t seed);

/// Groups of prompts whose TF-IDF cosine (word unigrams, smooth idf, L2 norm) is above `threshold`, transitively.
/// @return for each prompt the index of the first prompt of its group. Takes about linear time on ordinary data.
std::vector<std::size_t> similarity_groups(std::span<const std::string> prompts, double threshold = 0.7);

}  // namespace lethe
