// Distinct-n: how varied many answers are together. A model that always gives the same answer scores near 0.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace lethe {

struct Distinct {
  std::size_t different = 0, all = 0;  ///< n-grams of words, over all texts
  double share() const { return all == 0 ? 0 : static_cast<double>(different) / static_cast<double>(all); }
};

/// Different n-grams over all n-grams of all texts together (Li et al. 2016); words of the normal form (data/words.h).
/// It falls with the amount of text: compare texts of similar length. @param n ≥ 1
Distinct distinct(std::span<const std::string> texts, std::size_t n);

}  // namespace lethe
