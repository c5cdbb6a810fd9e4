// Which prompts of an evaluation were trained on, word for word or nearly: they measure memory, not forgetting.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lethe {

struct OverlapOptions {
  double jaccard = 0.7;      ///< near: shingles in common / shingles of either, at least; above 1: not looked for
  double containment = 0.9;  ///< near: shingles in common / shingles of the evaluated prompt, at least; above 1: off
  std::size_t words = 3;     ///< of a shingle; a shorter prompt is one shingle

  bool operator==(const OverlapOptions&) const = default;
};

/// An evaluated prompt and the training prompt most like it.
struct Overlap {
  std::size_t evaluated = 0, training = 0;  ///< indices
  bool exact = false;                       ///< the same normal form (data/words.h)
  double similarity = 0;                    ///< Jaccard, or containment where only that reaches its bound; 1 for exact
};

/// Every evaluated prompt that overlaps, once, in order; the most similar training prompt is named (the first of
/// equals).
///
/// Nothing is missed by hashing or sampling: an index holds, of each evaluated prompt, its rarest shingles, so many
/// that a prompt as similar as asked must share one of them; candidates are compared in full (prefix filter, Bayardo et
/// al. 2007). Training prompts are passed once: about linear in their words.
std::vector<Overlap> find_overlap(std::span<const std::string> evaluated, std::span<const std::string> training,
                                  const OverlapOptions& options = {});

}  // namespace lethe
