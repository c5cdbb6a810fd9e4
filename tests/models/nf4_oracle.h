// NF4 by its definition: a search for the nearest level in float64.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/nf4_levels.h"

namespace lethe {

struct Nf4Oracle {
  std::vector<int> codes;
  std::vector<double> values;
};

/// Blocks of 64 along the rows; each weight becomes the nearest level times the block's largest magnitude.
inline Nf4Oracle nf4_oracle(const at::Tensor& weight) {
  const at::Tensor flat = weight.to(at::kDouble).reshape(-1).contiguous();
  const double* values = flat.const_data_ptr<double>();
  Nf4Oracle result;
  for (std::int64_t begin = 0; begin < flat.size(0); begin += 64) {
    const std::int64_t end = std::min(begin + 64, flat.size(0));
    double largest = 0;
    for (std::int64_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
    for (std::int64_t i = begin; i < end; ++i) {
      int nearest = 0;
      const auto distance = [&](int level) {
        return std::abs(values[i] - largest * nf4_levels[static_cast<std::size_t>(level)]);
      };
      for (int code = 1; code < 16; ++code) {
        if (distance(code) < distance(nearest)) nearest = code;
      }
      result.codes.push_back(nearest);
      result.values.push_back(largest * nf4_levels[static_cast<std::size_t>(nearest)]);
    }
  }
  return result;
}

}  // namespace lethe
