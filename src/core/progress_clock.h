// When a display of progress is due, and how fast the work goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace lethe {

class ProgressClock {
 public:
  using Clock = std::chrono::steady_clock;

  ProgressClock() : ProgressClock(Clock::now()) {}
  /// @param start  when the work began
  explicit ProgressClock(Clock::time_point start) : start_(start), before_{start, 0} {}

  /// Call it at every update. @return whether to show this one: none in the first second, then one in each interval,
  /// and the last
  bool due(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds interval) {
    return due(done, total, interval, Clock::now());
  }
  bool due(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds interval, Clock::time_point now) {
    if (now - start_ < kAtOnce) before_ = {now, done};
    if (now - start_ < std::chrono::seconds(1)) return false;
    if (shown_ && now - *shown_ < interval && done != total) return false;
    shown_ = now;
    return true;
  }

  /// Units a second since the start of the work, without those that an earlier run did or a cache held; 0 where it is
  /// not known: of one unit, or of less than half a second, it would mean nothing. Units often end together (the
  /// answers of a batch), so time counts from the start of the work and not from the first of them.
  double rate(std::uint64_t done, Clock::time_point now = Clock::now()) const {
    const double seconds = std::chrono::duration<double>(now - before_.first).count();
    if (done < before_.second + 2 || seconds < 0.5) return 0;
    return static_cast<double>(done - before_.second) / seconds;
  }

 private:
  /// What is done so soon took no time of this work.
  static constexpr std::chrono::milliseconds kAtOnce{100};

  Clock::time_point start_;
  std::optional<Clock::time_point> shown_;
  std::pair<Clock::time_point, std::uint64_t> before_;  // the last update at once: when, and what was done
};

}  // namespace lethe
