// TOFU's truth ratio, its two aggregates, and the harmonic mean of its utility (Maini et al. 2024).
#pragma once

#include <span>

namespace lethe {

/// exp(paraphrase − mean over perturbed): the geometric mean of the wrong answers' probabilities over the right one's.
/// Above 1 the model prefers the wrong answers. At most the largest float64, so that JSON holds it.
/// @param paraphrase  mean loss a token of the right answer in other words, nats
/// @param perturbed   the same of each wrong answer; at least one
double truth_ratio(double paraphrase, std::span<const double> perturbed);

/// Forget set: mean of min(R, 1/R). 1 if right and wrong answers are equally likely everywhere.
double truth_ratio_closer_to_one(std::span<const double> ratios);
/// Other sets: mean of max(0, 1 − R). 1 if the wrong answers are impossible.
double truth_ratio_true_better(std::span<const double> ratios);

/// n / Σ 1/v, and 0 if a value is 0 (as scipy.stats.hmean) or there is none. @param values  ≥ 0
double harmonic_mean(std::span<const double> values);

}  // namespace lethe
