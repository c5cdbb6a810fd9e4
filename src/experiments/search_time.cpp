#include "experiments/search_time.h"

#include <algorithm>

namespace lethe {

void SearchTime::add(const Cell& cell) {
  if (!cell.failed.empty() || cell.steps == 0) return;
  cells_ += 1;
  steps_ += static_cast<double>(cell.steps);
  training_ += cell.train_seconds;
  rest_ += std::max(0.0, cell.seconds - cell.train_seconds);
}

double SearchTime::of(double steps) const {
  return training_ / steps_ * steps + rest_ / cells_;
}

}  // namespace lethe
