// The best step, and when training stops waiting for a better one.
#include "training/best_step.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

BestStepOptions options(std::int64_t patience) {
  return {.by = {{"validation_failed", 0}, {"validation_kl", 0.01}}, .patience = patience};
}

std::map<std::string, double> of(double failed, double kl) {
  return {{"validation_failed", failed}, {"validation_kl", kl}};
}

TEST(BestStep, IsTheLowestFirstValueThenTheLowestSecondBeyondItsMargin) {
  BestStep best(options(9));
  EXPECT_TRUE(best.add(10, of(0.5, 0.2)));
  EXPECT_TRUE(best.add(20, of(0.25, 0.3)));     // less harm, whatever the KL
  EXPECT_FALSE(best.add(30, of(0.25, 0.295)));  // as good: within the margin
  EXPECT_TRUE(best.add(40, of(0.25, 0.28)));
  EXPECT_FALSE(best.add(50, of(0.375, 0.01)));
  EXPECT_EQ(best.step(), 40);
  EXPECT_EQ(best.waited(), 1);
  EXPECT_EQ(best.to_keep(), (std::set<std::int64_t>{20, 40}));
}

TEST(BestStep, StopsAfterSoManyEvaluationsWithoutABetterOne) {
  BestStep best(options(2));
  best.add(10, of(0.5, 0.2));
  best.add(20, of(0.5, 0.2));
  EXPECT_FALSE(best.stop());
  best.add(21, {});  // a step without an evaluation is none
  EXPECT_FALSE(best.stop());
  best.add(30, of(0.6, 0.1));
  EXPECT_TRUE(best.stop());
  EXPECT_EQ(best.step(), 10);
}

TEST(BestStep, NeverStopsWithoutPatience) {
  BestStep best(options(0));
  for (int step = 1; step < 50; ++step) EXPECT_FALSE(best.add(step, of(step, 0)));
  EXPECT_FALSE(best.stop());
  EXPECT_EQ(best.step(), 0);
  EXPECT_TRUE(best.to_keep().empty());
}

TEST(BestStep, AMissingValueIsTheWorst) {
  BestStep best(options(9));
  best.add(10, {{"validation_kl", 0.1}});
  EXPECT_TRUE(best.add(20, of(1, 0.3)));
  EXPECT_FALSE(best.add(30, {{"validation_kl", 0.1}}));
}

TEST(TrainingEnd, IsToldOnlyIfTheLastPlannedStepIsNotTheOneKept) {
  EXPECT_EQ((TrainingEnd{200, 200, 200}).text(), "");
  EXPECT_EQ((TrainingEnd{200, 60, 30}).text(),
            "training stopped early, after step 60 of 200; the weights are those of step 30, the best that was "
            "evaluated");
  EXPECT_EQ((TrainingEnd{200, 200, 30}).text(),
            "training ended after step 200 of 200; the weights are those of step 30, the best that was evaluated");
  EXPECT_TRUE(to_json(TrainingEnd{200, 60, 30}).at("stopped_early").get<bool>());
}

}  // namespace
}  // namespace lethe
