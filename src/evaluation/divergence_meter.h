// How far a model has moved from the original on normal text, and the largest negation within a budget of that.
#pragma once

#include <functional>
#include <vector>

#include "objectives/preservation_divergence.h"

namespace lethe {

/// KL(P‖Q) of one pair.
struct PairDivergence {
  double kl = 0;            ///< Σ over response tokens, nats; rounding never makes it negative
  std::int64_t tokens = 0;  ///< response tokens
};

/// Mean KL(P‖Q) over the response tokens of fixed normal pairs, P the original: the model as it is when this is made.
class DivergenceMeter {
 public:
  DivergenceMeter(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs);
  /// Of a model as it is now (the same one, changed, or another of the same vocabulary), nats a token.
  double measure(CausalLM& model);
  /// The same, pair by pair.
  std::vector<PairDivergence> measure_each(CausalLM& model);
  std::size_t pairs() const { return pairs_.size(); }

 private:
  ExampleMaker& examples_;
  std::vector<Pair> pairs_;
  StoredReference reference_;
};

/// One point of the trade-off: α and what it does to normal answers.
struct AlphaPoint {
  double alpha = 0, kl = 0;
};

struct AlphaChoice {
  double alpha = 0;
  std::vector<AlphaPoint> curve;  ///< all that was measured, ascending
};

/// The largest α ≤ 1 within the budget: tenths from 0.1 to 1, then bisection above the largest that fits.
/// @param kl_at  measures the negated model at α
AlphaChoice choose_alpha(const std::function<double(double alpha)>& kl_at, double budget);

}  // namespace lethe
