// The choice of α: the largest within the KL budget.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/divergence_meter.h"

namespace lethe {
namespace {

TEST(Alpha, IsTheLargestWithinTheBudget) {
  const auto quadratic = [](double alpha) { return alpha * alpha; };
  EXPECT_NEAR(choose_alpha(quadratic, 0.3).alpha, std::sqrt(0.3), 0.1 / 32);
  EXPECT_LE(quadratic(choose_alpha(quadratic, 0.3).alpha), 0.3);
  EXPECT_EQ(choose_alpha(quadratic, 5).alpha, 1);
  EXPECT_EQ(choose_alpha([](double) { return 9.0; }, 0.3).alpha, 0);
  // Not monotonic: the largest that fits counts.
  EXPECT_NEAR(choose_alpha([](double alpha) { return alpha > 0.35 && alpha < 0.65 ? 1.0 : 0.1; }, 0.3).alpha, 1, 1e-9);
}

}  // namespace
}  // namespace lethe
