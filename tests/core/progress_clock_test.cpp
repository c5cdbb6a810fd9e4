// The rate that a display of progress shows.
#include "core/progress_clock.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

using namespace std::chrono_literals;

class ProgressRate : public testing::Test {
 protected:
  // An update after so much work. @return the rate that is shown then
  double at(std::chrono::milliseconds passed, std::uint64_t done) {
    clock_.due(done, 40, 100ms, start_ + passed);
    return clock_.rate(done, start_ + passed);
  }
  const ProgressClock::Clock::time_point start_ = ProgressClock::Clock::now();
  ProgressClock clock_{start_};
};

// 40 answers that ended within a millisecond were shown as 40,000 answers/s.
TEST_F(ProgressRate, OfUnitsThatEndTogetherCountsFromTheStartOfTheWork) {
  at(20'000ms, 1);
  EXPECT_NEAR(at(20'001ms, 40), 2.0, 0.001);
}

TEST_F(ProgressRate, LeavesOutWhatWasDoneBefore) {
  at(0ms, 30);  // by an earlier run, or from a cache
  EXPECT_NEAR(at(10'000ms, 35), 0.5, 0.001);
}

TEST_F(ProgressRate, OfOneUnitOrOfAMomentIsNotKnown) {
  EXPECT_EQ(at(20'000ms, 1), 0);
  EXPECT_GT(at(40'000ms, 2), 0);
  EXPECT_EQ(ProgressClock(start_).rate(30, start_ + 200ms), 0);
}

}  // namespace
}  // namespace lethe
