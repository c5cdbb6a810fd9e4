// A mean of few values with its 95% interval, and the difference of paired values.
#pragma once

#include <span>
#include <vector>

namespace lethe {

struct Mean {
  double value = 0;
  double half_width = 0;  ///< of the 95% interval: Student's t over the values; 0 for one value (unknown)
  std::size_t count = 0;
};
Mean mean_of(std::span<const double> values);

/// Mean of a[i] − b[i], for values measured under the same conditions (one seed, one split). Both have the same length.
Mean paired_difference(std::span<const double> a, std::span<const double> b);

/// 97.5% quantile of Student's t. @param degrees ≥ 1
double student_t(std::size_t degrees);

}  // namespace lethe
