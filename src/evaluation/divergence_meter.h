// How far a model has moved from the original on normal text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "objectives/preservation_divergence.h"

namespace lethe {

/// KL(P‖Q) of one pair.
struct PairDivergence {
  double kl = 0;            ///< Σ over response tokens, nats; rounding never makes it negative
  std::int64_t tokens = 0;  ///< response tokens
};

/// Mean KL(P‖Q) over the response tokens of fixed normal pairs, P the original: the model as it is when the pairs are
/// added.
class DivergenceMeter {
 public:
  /// @param examples  outlives this
  /// @param answers   what the pairs are, for the progress: "normal answers held out"
  DivergenceMeter(CausalLM& original, ExampleMaker& examples, const std::vector<Pair>& pairs,
                  std::string answers = "normal answers");
  /// Adds pairs. @param original  the model, which must hold the original's weights
  void add(const CausalLM& original, std::span<const Pair> pairs);
  /// The mean KL of a model as it is now (the same one, changed, or another of the same vocabulary), nats a token.
  double measure(const CausalLM& model) const;
  /// The same, pair by pair. @param first  the index of the first pair to measure: 0, or pairs() before an add()
  std::vector<PairDivergence> measure_each(const CausalLM& model, std::size_t first = 0) const;
  std::size_t pairs() const { return pairs_; }

 private:
  /// Pairs that run through the model together, so that what all of them begin with (a system message) is computed
  /// once; and what the original computed.
  struct Group {
    std::size_t first = 0;
    PackedExamples packed;
    at::Tensor states;  ///< [N, E]
  };

  ExampleMaker& examples_;
  std::string answers_;
  std::vector<Group> groups_;
  std::size_t pairs_ = 0;
  Head original_head_;
};

}  // namespace lethe
