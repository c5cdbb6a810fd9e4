#include "metrics/mean.h"

#include <array>
#include <cmath>

namespace lethe {

double student_t(std::size_t degrees) {
  static constexpr std::array<double, 30> quantiles = {
      12.70620, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814,
      2.20099,  2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596,
      2.07961,  2.07387, 2.06866, 2.06390, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227};
  if (degrees <= quantiles.size()) return quantiles[degrees - 1];
  // Cornish-Fisher: exact to 1e-5 beyond 30 degrees.
  constexpr double z = 1.959963984540054;
  const auto n = static_cast<double>(degrees);
  return z + (z * z * z + z) / (4 * n) + (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n);
}

Mean mean_of(std::span<const double> values) {
  Mean mean;
  mean.count = values.size();
  if (values.empty()) return mean;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) mean.value += value / n;
  if (values.size() < 2) return mean;
  double squares = 0;
  for (const double value : values) squares += (value - mean.value) * (value - mean.value);
  mean.half_width = student_t(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return mean;
}

Mean paired_difference(std::span<const double> a, std::span<const double> b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  return mean_of(differences);
}

}  // namespace lethe
