// The two-sample Kolmogorov-Smirnov test: whether two samples come from one distribution.
#pragma once

#include <span>

namespace lethe {

/// Exact p-value of the two-sided test, for samples of any two sizes; the statistic is the largest distance between the
/// two empirical distributions. Ties are treated as scipy.stats.ks_2samp(method="exact") treats them. Samples of n
/// values each that do not overlap have 2 / C(2n, n), two equal samples 1. Takes time in the product of both sizes.
/// Source: Hodges 1958 (paths through the grid of both ranks).
/// @throws Error if a sample is empty or a value is NaN
double kolmogorov_smirnov_p(std::span<const double> first, std::span<const double> second);

}  // namespace lethe
