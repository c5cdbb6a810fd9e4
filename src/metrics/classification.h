// Metrics of classifier scores (AUC, calibration, accuracy), and the agreement of two raters.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace lethe {

/// A score of 0 … 1, and whether the case is positive (of the class that high scores stand for).
using Scored = std::pair<double, bool>;

/// Probability that a positive case scores above a negative one; ties count half (Mann-Whitney). Empty without both
/// kinds.
std::optional<double> area_under_curve(const std::vector<Scored>& cases);

/// Cases with a score in [low, high); the last bin includes 1.
struct ReliabilityBin {
  double low = 0, high = 0;
  std::size_t cases = 0;
  double mean_score = 0, share = 0;  ///< share: of positive cases
};

struct Calibration {
  double brier = 0;           ///< mean (score − truth)² (Brier 1950)
  double expected_error = 0;  ///< Σ cases/n · |mean score − share| over the bins (Naeini et al. 2015)
  std::vector<ReliabilityBin> bins;
};

/// @param bins  number of bins, of equal width; empty bins are listed too
Calibration calibration(const std::vector<Scored>& cases, std::size_t bins = 10);

/// Share of cases classified correctly; a score above the threshold means positive.
double accuracy(const std::vector<Scored>& cases, double threshold = 0.5);

/// Cohen's kappa of two raters who say yes or no: (observed − expected agreement) / (1 − expected). Empty without
/// cases, or if both always give the same one answer (expected agreement 1). Source: Cohen 1960.
std::optional<double> cohen_kappa(const std::vector<std::pair<bool, bool>>& ratings);

}  // namespace lethe
