// Mean KL on a random sample of normal answers, as large as the choice of α needs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "evaluation/choose_alpha.h"
#include "evaluation/divergence_meter.h"

namespace lethe {

/// The ratio estimate of the mean KL per token, Σ kl / Σ tokens, with its standard error over pairs (the clusters of
/// tokens; Cochran 1977, section 2.11, without the correction for a finite population). One pair has standard error 0.
AlphaPoint mean_divergence(double alpha, const std::vector<PairDivergence>& pairs);

/// How many pairs the estimate of `point` needs: as many as it has if it is precise enough, else more.
///
/// Precise enough is a standard error of at most 5% of the budget. A point that is four standard errors over the
/// budget, or four below 95% of it, needs no more pairs: the search goes on from it in either case.
std::size_t pairs_needed(const AlphaPoint& point, double budget);

/// Pairs in a random order that their texts and the seed fix.
std::vector<Pair> in_random_order(std::vector<Pair> pairs, std::uint64_t seed);

/// Normal pairs in a random order that their texts and the seed fix. The first of them are in use; their number grows.
class DivergenceSample {
 public:
  /// @param original  holds the original's weights now
  /// @param examples  outlives this
  DivergenceSample(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs, std::uint64_t seed);

  std::size_t used() const { return meter_.pairs(); }
  std::size_t all() const { return used() + unused_.size(); }
  /// Uses the first `pairs` pairs, or all. @param original  holds the original's weights now
  void grow(CausalLM& original, std::size_t pairs);
  /// KL of the pairs in use, from the index `first` on.
  std::vector<PairDivergence> measure(CausalLM& model, std::size_t first) { return meter_.measure_each(model, first); }

 private:
  std::vector<Pair> unused_;
  DivergenceMeter meter_;
};

/// The divergence of one task vector over α.
class AlphaMeter {
 public:
  /// @param sample, model  outlive this
  /// @param apply          apply(α) makes the model θ_o + α·τ (or θ_o − α·τ); apply(0) makes it the original
  /// @param nf4            also measures the model in four bits (models/nf4_form.h)
  AlphaMeter(DivergenceSample& sample, CausalLM& model, std::function<void(double alpha)> apply, bool nf4 = false);
  /// The mean KL at α, on as many pairs as this budget needs. Pairs that were measured at this α before are kept.
  AlphaPoint measure(double alpha, double budget);

 private:
  using ByAlpha = std::map<double, std::vector<PairDivergence>>;
  double mean_in_nf4(double alpha, std::size_t pairs);

  DivergenceSample& sample_;
  CausalLM& model_;
  std::function<void(double)> apply_;
  bool nf4_;
  ByAlpha measured_, in_nf4_;
};

}  // namespace lethe
