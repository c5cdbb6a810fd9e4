// How far a model has moved from the original on normal text.
#pragma once

#include <cstdint>
#include <span>
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
  DivergenceMeter(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs);
  /// Adds pairs. @param original  the model, which must hold the original's weights
  void add(CausalLM& original, std::span<const Pair> pairs);
  /// The mean KL of a model as it is now (the same one, changed, or another of the same vocabulary), nats a token.
  double measure(CausalLM& model);
  /// The same, pair by pair. @param first  the index of the first pair to measure
  std::vector<PairDivergence> measure_each(CausalLM& model, std::size_t first = 0);
  std::size_t pairs() const { return pairs_.size(); }

 private:
  ExampleMaker& examples_;
  std::vector<Pair> pairs_;
  StoredReference reference_;
};

}  // namespace lethe
