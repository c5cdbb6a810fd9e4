// What a run on several ranks costs, by hand.
#include "runs/rank_costs.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(RankCosts, OneProcessExchangesNothing) {
  const RankCosts costs = rank_costs({.ranks = 1, .accumulate = 4, .gradients = 100, .matrices = 1000});
  EXPECT_EQ(costs.gradients + costs.matrices + costs.share + costs.gathered + costs.buffers, 0);
}

// Four ranks and six micro-batches: two rounds. Of the gradients three quarters travel in each round and for the sums;
// of the matrices three quarters, for each of three uses in each round.
TEST(RankCosts, CountRoundsUsesAndShares) {
  const RankCosts costs =
      rank_costs({.ranks = 4, .accumulate = 6, .gradients = 100, .matrices = 1000, .layers = 10, .uses = 3});
  EXPECT_DOUBLE_EQ(costs.gradients, 3 * 100 * 0.75);
  EXPECT_DOUBLE_EQ(costs.matrices, 2 * 3 * 1000 * 0.75);
  EXPECT_DOUBLE_EQ(costs.share, 250);
  EXPECT_DOUBLE_EQ(costs.gathered, 100 * 2.25);
  EXPECT_DOUBLE_EQ(costs.buffers, 250);
}

}  // namespace
}  // namespace lethe
