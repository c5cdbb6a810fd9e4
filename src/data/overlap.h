// Finds evaluation prompts that were trained on, exactly or nearly. They measure memory, not forgetting.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lethe {

struct OverlapOptions {
  double jaccard = 0.7;      ///< lower bound of shingles in common / shingles of either; above 1: off
  double containment = 0.9;  ///< lower bound of shingles in common / shingles of the evaluated prompt; above 1: off
  std::size_t words = 3;     ///< per shingle; a shorter prompt is one shingle

  bool operator==(const OverlapOptions&) const = default;
};

/// An evaluated prompt and the training prompt most like it.
struct Overlap {
  std::size_t evaluated = 0, training = 0;  ///< indices
  bool exact = false;                       ///< equal normal forms (data/words.h)
  double similarity = 0;                    ///< Jaccard, or containment if only that reaches its bound; 1 if exact
};

/// Every evaluated prompt that overlaps, once, in order, with its most similar training prompt (the first of equals).
///
/// The search is exact. An index holds the rarest shingles of each evaluated prompt, enough that any sufficiently
/// similar prompt shares one of them. Candidates are compared in full (prefix filter, Bayardo et al. 2007). The time is
/// about linear in the words of the training prompts.
std::vector<Overlap> find_overlap(std::span<const std::string> evaluated, std::span<const std::string> training,
                                  const OverlapOptions& options = {});

}  // namespace lethe
