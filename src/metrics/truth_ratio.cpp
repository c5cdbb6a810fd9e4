#include "metrics/truth_ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "metrics/mean.h"

namespace lethe {
namespace {

double mean_of_each(std::span<const double> ratios, double (*of)(double)) {
  double sum = 0;
  for (const double ratio : ratios) sum += of(ratio);
  return ratios.empty() ? 0 : sum / static_cast<double>(ratios.size());
}

}  // namespace

double truth_ratio(double paraphrase, std::span<const double> perturbed) {
  return std::min(std::exp(paraphrase - mean_of(perturbed).value), std::numeric_limits<double>::max());
}

double truth_ratio_closer_to_one(std::span<const double> ratios) {
  return mean_of_each(ratios, [](double ratio) { return std::min(ratio, 1 / ratio); });
}

double truth_ratio_true_better(std::span<const double> ratios) {
  return mean_of_each(ratios, [](double ratio) { return std::max(0.0, 1 - ratio); });
}

double harmonic_mean(std::span<const double> values) {
  if (values.empty() || std::any_of(values.begin(), values.end(), [](double value) { return value <= 0; })) return 0;
  const double sum =
      std::accumulate(values.begin(), values.end(), 0.0, [](double all, double value) { return all + 1 / value; });
  return static_cast<double>(values.size()) / sum;
}

}  // namespace lethe
