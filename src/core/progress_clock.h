// When a display of progress is due, and how fast the work goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace lethe {

class ProgressClock {
 public:
  /// Call it at every update. @return whether to show this one: none in the first second, then one in each interval,
  /// and the last
  bool due(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds interval) {
    const auto now = Clock::now();
    if (!first_) first_ = {now, done};
    if (now - start_ < std::chrono::seconds(1)) return false;
    if (shown_ && now - *shown_ < interval && done != total) return false;
    shown_ = now;
    return true;
  }

  /// Units a second since the first update, because continued work begins with units that an earlier run did; 0 where
  /// it is not known.
  double rate(std::uint64_t done) const {
    if (!first_ || done <= first_->second) return 0;
    const double seconds = std::chrono::duration<double>(Clock::now() - first_->first).count();
    return seconds > 0 ? static_cast<double>(done - first_->second) / seconds : 0;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> shown_;
  std::optional<std::pair<Clock::time_point, std::uint64_t>> first_;  // when, and what was done
};

}  // namespace lethe
