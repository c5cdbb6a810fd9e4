// How well scores tell two classes apart, how far they can be taken as probabilities, and how far two raters agree.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace lethe {

/// A score of 0 … 1, and whether the case is of the class that high scores stand for.
using Scored = std::pair<double, bool>;

/// The chance that a case of the class scores above one that is not, ties counted half (Mann-Whitney). Nothing without
/// both kinds.
std::optional<double> area_under_curve(const std::vector<Scored>& cases);

/// Cases with a score in [low, high), the last bin with 1 as well.
struct ReliabilityBin {
  double low = 0, high = 0;
  std::size_t cases = 0;
  double mean_score = 0, share = 0;  ///< share: of the class
};

struct Calibration {
  double brier = 0;           ///< mean (score − truth)² (Brier 1950)
  double expected_error = 0;  ///< Σ cases/n · |mean score − share| over the bins (Naeini et al. 2015)
  std::vector<ReliabilityBin> bins;
};

/// @param bins  of equal width; those without cases are listed too
Calibration calibration(const std::vector<Scored>& cases, std::size_t bins = 10);

/// The share of cases that a threshold puts on the right side: above it means of the class.
double accuracy(const std::vector<Scored>& cases, double threshold = 0.5);

/// Cohen's kappa of two raters who say yes or no: (observed − expected agreement) / (1 − expected). Nothing without
/// cases, or where both give one and the same answer throughout (expected agreement 1). Source: Cohen 1960.
std::optional<double> cohen_kappa(const std::vector<std::pair<bool, bool>>& ratings);

}  // namespace lethe
