// Tests whether two models differ on the same prompts, and intervals of statistics that are not means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace lethe {

/// Exact McNemar test (two-sided binomial on the prompts on which the models differ). @return p
/// @param only_first, only_second  prompts on which only the first, only the second model has the property
double mcnemar_p(std::size_t only_first, std::size_t only_second);

/// Paired permutation test of mean difference 0: signs of the differences are flipped. All 2^n flips for up to 14
/// differences, else `rounds` random ones, of which p = (1 + as extreme) / (1 + rounds). @return two-sided p
double permutation_p(std::span<const double> differences, std::uint64_t seed, std::size_t rounds = 10'000);

struct Interval {
  double low = 0, high = 0;
};

/// 95% percentile interval of a statistic over resampled cases (Efron 1979), for statistics that are not means
/// (perplexity, corpus BLEU).
/// @param statistic  computes it from the cases with these indices, which may repeat
Interval bootstrap_interval(std::size_t cases, const std::function<double(std::span<const std::size_t>)>& statistic,
                            std::uint64_t seed, std::size_t rounds = 2'000);

}  // namespace lethe
