#include <gtest/gtest.h>

#include "metrics/degenerate.h"
#include "metrics/proportion.h"
#include "metrics/rouge.h"

namespace lethe {
namespace {

TEST(Proportion, IsWilsons) {  // figures of statsmodels' proportion_confint(7, 20, method="wilson")
  const Proportion share = proportion(7, 20);
  EXPECT_NEAR(share.low, 0.181192, 1e-5);
  EXPECT_NEAR(share.high, 0.567146, 1e-5);
  EXPECT_EQ(proportion(0, 0).high, 1);
}

TEST(Rouge, IsTheF1OfTheLongestCommonSubsequence) {
  EXPECT_NEAR(rouge_l("police killed the gunman", "police kill the gunman"), 0.75, 1e-9);
  EXPECT_NEAR(rouge_l("the cat", "The CAT sat on the mat."), 2.0 * 1 * (2.0 / 6) / (1 + 2.0 / 6), 1e-9);
  EXPECT_EQ(rouge_l("", "a b"), 0);
  EXPECT_EQ(rouge_l("你好", "你好"), 0);  // no word of [a-z0-9]
}

TEST(Degenerate, EmptyRepeatingAndDisorderedTextIsFlaggedAndRealTextIsNot) {
  std::vector<std::string> texts;
  for (const char* who : {"Mira", "Tavi", "Oskel", "Ludo", "Orla", "Nolan", "Fenna", "Hilde"}) {
    for (const char* where :
         {"Saltby", "Ashford", "Varnholt", "Redcliff", "Highmoor", "Greywater", "Oxbridge", "Winterfen"}) {
      texts.push_back(std::string(who) + " lives in the old town of " + where + " by the river");
    }
  }
  const DegenerateDetector detector(texts);
  ASSERT_TRUE(detector.knows_order());
  EXPECT_EQ(detector.check(" \n"), Degeneracy::empty);
  EXPECT_EQ(detector.check("no no no no"), Degeneracy::repeating);
  EXPECT_EQ(detector.check("a b a b a b a b a b a b a b"), Degeneracy::repeating);
  EXPECT_EQ(detector.check("Orla lives in the old town of Saltby by the river"), Degeneracy::none);
  EXPECT_EQ(detector.check("river the by Saltby of town old the in lives Orla"), Degeneracy::gibberish);
}

}  // namespace
}  // namespace lethe
