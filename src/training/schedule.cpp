#include "training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lethe {

double Schedule::at(std::int64_t step) const {
  if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (kind == ScheduleKind::constant) return lr;
  const double through =
      static_cast<double>(step - warmup) / static_cast<double>(std::max<std::int64_t>(1, steps - warmup));
  if (kind == ScheduleKind::cosine) return lr * 0.5 * (1 + std::cos(std::numbers::pi * through));
  return lr * std::max(0.0, 1 - through);
}

}  // namespace lethe
