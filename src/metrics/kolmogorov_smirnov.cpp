#include "metrics/kolmogorov_smirnov.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace {

std::vector<double> sorted_sample(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  if (sorted.empty() || std::any_of(sorted.begin(), sorted.end(), [](double value) { return std::isnan(value); })) {
    throw Error("cannot compare two distributions")
        .wanted("at least one value in each sample, and no NaN")
        .found(sorted.empty() ? "an empty sample" : "NaN");
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// |i/n − j/m| · n · m, a whole number. The distance between the distributions is largest just after a run of equal
/// values of both samples.
std::int64_t largest_distance(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<std::int64_t>(a.size()), m = static_cast<std::int64_t>(b.size());
  std::int64_t i = 0, j = 0, largest = 0;
  while (i < n && j < m) {
    const double value = std::min(a[static_cast<std::size_t>(i)], b[static_cast<std::size_t>(j)]);
    while (i < n && a[static_cast<std::size_t>(i)] == value) ++i;
    while (j < m && b[static_cast<std::size_t>(j)] == value) ++j;
    largest = std::max(largest, std::abs(i * m - j * n));
  }
  return largest;
}

}  // namespace

double kolmogorov_smirnov_p(std::span<const double> first, std::span<const double> second) {
  const std::vector<double> a = sorted_sample(first), b = sorted_sample(second);
  const auto n = static_cast<std::int64_t>(a.size()), m = static_cast<std::int64_t>(b.size());
  const std::int64_t bound = largest_distance(a, b);
  // left[j]: the share of the paths from (0, 0) to (i, j) that reach the bound on their way. A path to (i, j) comes
  // from (i − 1, j) with probability i / (i + j). Only sums of positive numbers: the smallest p keeps its digits.
  std::vector<double> left(static_cast<std::size_t>(m) + 1, 0.0);
  for (std::int64_t i = 0; i <= n; ++i) {
    for (std::int64_t j = 0; j <= m; ++j) {
      double& here = left[static_cast<std::size_t>(j)];
      if (std::abs(i * m - j * n) >= bound) {
        here = 1;
        continue;
      }
      const auto steps = static_cast<double>(std::max<std::int64_t>(i + j, 1));
      const double from_before = j > 0 ? left[static_cast<std::size_t>(j) - 1] : 0;
      here = static_cast<double>(i) / steps * here + static_cast<double>(j) / steps * from_before;
    }
  }
  return left.back();
}

}  // namespace lethe
