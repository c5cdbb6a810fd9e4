// A proportion of cases with its confidence interval.
#pragma once

#include <cstddef>

namespace lethe {

struct Proportion {
  std::size_t hits = 0, cases = 0;
  double rate = 0, low = 0, high = 0;  ///< 0 … 1
};

/// hits / cases with Wilson's 95% interval (Wilson 1927). No case: rate 0 in [0, 1].
Proportion proportion(std::size_t hits, std::size_t cases);

}  // namespace lethe
