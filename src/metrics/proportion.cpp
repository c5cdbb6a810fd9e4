#include "metrics/proportion.h"

#include <algorithm>
#include <cmath>

namespace lethe {

Proportion proportion(std::size_t hits, std::size_t cases) {
  if (cases == 0) return {hits, cases, 0, 0, 1};
  constexpr double z = 1.959963984540054;
  const auto n = static_cast<double>(cases);
  const double rate = static_cast<double>(hits) / n;
  const double centre = (rate + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(rate * (1 - rate) / n + z * z / (4 * n * n));
  return {hits, cases, rate, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace lethe
