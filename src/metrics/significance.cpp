#include "metrics/significance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace lethe {

double mcnemar_p(std::size_t only_first, std::size_t only_second) {
  const std::size_t n = only_first + only_second, fewer = std::min(only_first, only_second);
  if (n == 0) return 1;
  // Σ_{k ≤ fewer} C(n, k) / 2^n, twice, from logarithms so that large n do not overflow.
  double sum = 0, log_term = -static_cast<double>(n) * std::log(2.0);
  for (std::size_t k = 0; k <= fewer; ++k) {
    if (k > 0) log_term += std::log(static_cast<double>(n - k + 1)) - std::log(static_cast<double>(k));
    sum += std::exp(log_term);
  }
  return std::min(1.0, 2 * sum);
}

double permutation_p(std::span<const double> differences, std::uint64_t seed, std::size_t rounds) {
  constexpr std::size_t kExact = 14;
  const std::size_t n = differences.size();
  if (n == 0) return 1;
  double observed = 0, size = 0;
  for (const double value : differences) {
    observed += value;
    size += std::abs(value);
  }
  const double bound = std::abs(observed) - 1e-12 * size;  // sums of equal terms in another order count as equal
  std::size_t extreme = 0;
  if (n <= kExact) {
    const std::size_t all = std::size_t{1} << n;
    for (std::size_t flips = 0; flips < all; ++flips) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += (flips >> i & 1) != 0 ? -differences[i] : differences[i];
      extreme += std::abs(sum) >= bound;
    }
    return static_cast<double>(extreme) / static_cast<double>(all);
  }
  RandomStream stream(seed, "permutation test");
  for (std::size_t round = 0; round < rounds; ++round) {
    double sum = 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 32 == 0) bits = stream.next();
      sum += (bits >> (i % 32) & 1) != 0 ? -differences[i] : differences[i];
    }
    extreme += std::abs(sum) >= bound;
  }
  return static_cast<double>(1 + extreme) / static_cast<double>(1 + rounds);
}

Interval bootstrap_interval(std::size_t cases, const std::function<double(std::span<const std::size_t>)>& statistic,
                            std::uint64_t seed, std::size_t rounds) {
  if (cases == 0 || rounds == 0) return {};
  RandomStream stream(seed, "bootstrap");
  std::vector<double> values;
  std::vector<std::size_t> drawn(cases);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t& index : drawn) index = stream.below(cases);
    values.push_back(statistic(drawn));
  }
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double upper = values[std::min(below + 1, values.size() - 1)];
    return values[below] + (place - static_cast<double>(below)) * (upper - values[below]);
  };
  return {quantile(0.025), quantile(0.975)};
}

}  // namespace lethe
