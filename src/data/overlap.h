// Do prompts meant to be unseen stand in the training data? Exact and near overlap between two sets of prompts.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace lethe {

/// prompts[right] of the second set meets prompts[left] of the first.
struct Overlap {
  std::size_t left = 0, right = 0;
  double similarity = 0;  ///< Jaccard index of the sets of word 3-grams; 1 where `exact`
  bool exact = false;     ///< equal but for case and white space

  bool operator==(const Overlap&) const = default;
};

/// For each prompt of `right` the nearest of `left`, if it is equal or its Jaccard index is at least `threshold`;
/// in the order of `right`, the first of `left` where several are as near. Prompts under three words count as one
/// shingle.
std::vector<Overlap> find_overlap(std::span<const std::string> left, std::span<const std::string> right,
                                  double threshold = 0.5);

}  // namespace lethe
