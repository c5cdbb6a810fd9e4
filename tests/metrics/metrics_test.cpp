#include <gtest/gtest.h>

#include "metrics/degenerate.h"
#include "metrics/diversity.h"
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

TEST(Rouge, HasNoWordInTextWithoutLatinLettersOrDigits) {
  EXPECT_EQ(rouge("", std::string_view("a b")).rouge_l.f1, 0);
  EXPECT_EQ(rouge("你好", std::string_view("你好")).rouge1.f1, 0);
  EXPECT_EQ(rouge("a b", std::span<const std::string>{}).rouge1.f1, 0);
}

TEST(Distinct, CountsEachSequenceOfWordsOnceOverAllTexts) {
  const std::vector<std::string> texts = {"The cat, the cat.", "the dog", "", "cat"};
  const auto share = [&](std::size_t n) {
    const Distinct found = distinct(texts, n);
    return std::pair(found.different, found.all);
  };
  EXPECT_EQ(share(1), (std::pair<std::size_t, std::size_t>(3, 7)));
  EXPECT_EQ(share(2), (std::pair<std::size_t, std::size_t>(3, 4)));
  EXPECT_EQ(share(3), (std::pair<std::size_t, std::size_t>(2, 2)));
  EXPECT_EQ(distinct(texts, 5).share(), 0);
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
  ASSERT_TRUE(detector.knows_language());
  EXPECT_EQ(detector.check(" \n"), Degeneracy::empty);
  EXPECT_EQ(detector.check("no no no no"), Degeneracy::repeating);
  EXPECT_EQ(detector.check("a b a b a b a b a b a b a b"), Degeneracy::repeating);
  EXPECT_EQ(detector.check("Orla lives in the old town of Saltby by the river"), Degeneracy::none);
  EXPECT_EQ(detector.check("river the by Saltby of town old the in lives Orla"), Degeneracy::gibberish);
}

}  // namespace
}  // namespace lethe
