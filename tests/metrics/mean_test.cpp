// Means over few seeds with Student's t (figures of scipy.stats.t.ppf(0.975, df)).
#include "metrics/mean.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(StudentT, IsTheQuantileAlsoBeyondTheTable) {
  EXPECT_NEAR(student_t(2), 4.302653, 1e-5);
  EXPECT_NEAR(student_t(30), 2.042272, 1e-5);
  EXPECT_NEAR(student_t(40), 2.021075, 1e-4);
  EXPECT_NEAR(student_t(1000), 1.962339, 1e-5);
}

TEST(Mean, HasAnIntervalFromTwoValuesOn) {
  const double values[] = {1, 2, 6};
  const Mean mean = mean_of(values);
  EXPECT_NEAR(mean.value, 3, 1e-12);
  EXPECT_NEAR(mean.half_width, 4.302653 * 2.6457513 / 1.7320508, 1e-4);
  const double one[] = {5};
  EXPECT_EQ(mean_of(one).half_width, 0);
  const double others[] = {0, 1, 5};
  const Mean difference = paired_difference(values, others);
  EXPECT_NEAR(difference.value, 1, 1e-12);
  EXPECT_NEAR(difference.half_width, 0, 1e-12);
}

}  // namespace
}  // namespace lethe
