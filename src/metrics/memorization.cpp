#include "metrics/memorization.h"

#include <algorithm>

namespace lethe {

double extraction_strength(std::span<const char> right) {
  if (right.empty()) return 0;
  std::size_t first = right.size();
  while (first > 0 && right[first - 1] != 0) --first;
  return 1 - static_cast<double>(first) / static_cast<double>(right.size());
}

double exact_memorization(std::span<const char> right) {
  if (right.empty()) return 0;
  const auto hits = std::count_if(right.begin(), right.end(), [](char one) { return one != 0; });
  return static_cast<double>(hits) / static_cast<double>(right.size());
}

}  // namespace lethe
