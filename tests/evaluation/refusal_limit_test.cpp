// The second limit of α: refusals of prompts that should be answered.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "evaluation/choose_alpha.h"

namespace lethe {
namespace {

using Curve = std::function<double(double alpha)>;

constexpr double kKlBudget = 0.3;
constexpr RefusalLimit kLimit{.original = 0.1, .budget = 0.05, .prompts = 120};

// A choice that fits the KL budget at this α, as choose_alpha() leaves it.
AlphaChoice by_kl(double alpha) {
  AlphaChoice choice;
  choice.alpha = alpha;
  choice.curve = {{.alpha = alpha, .kl = 0.29}};
  if (alpha < 1) choice.curve.push_back({.alpha = 1, .kl = 0.9});
  return choice;
}

struct Search {
  AlphaChoice choice;
  std::map<double, int> generations;  // by α

  const AlphaPoint& at(double alpha) const {
    return *std::find_if(choice.curve.begin(), choice.curve.end(), [&](const auto& p) { return p.alpha == alpha; });
  }
};

// The search, after checks that hold for every curve.
Search limited(
    AlphaChoice start, const Curve& refusing, const Curve& kl = [](double) { return 0.1; }) {
  Search search;
  search.choice = limit_refusals(
      std::move(start), kKlBudget, kLimit,
      [&](double alpha) { return AlphaPoint{.alpha = alpha, .kl = kl(alpha), .pairs = 64}; },
      [&](double alpha) {
        ++search.generations[alpha];
        return refusing(alpha);
      });
  EXPECT_LE(search.generations.size(), 5U);
  for (const auto& [alpha, times] : search.generations) {
    EXPECT_EQ(times, 1) << alpha;
    EXPECT_EQ(search.at(alpha).refusing, refusing(alpha));
  }
  const auto& curve = search.choice.curve;
  for (std::size_t i = 1; i < curve.size(); ++i) EXPECT_LT(curve[i - 1].alpha, curve[i].alpha);
  double largest = 0;  // of the measured α that keep both limits
  for (const AlphaPoint& point : curve) {
    if (point.refusing && *point.refusing <= kLimit.largest() && point.kl <= kKlBudget)
      largest = std::max(largest, point.alpha);
  }
  EXPECT_EQ(search.choice.alpha, largest);
  return search;
}

TEST(RefusalLimit, TheAlphaOfTheKlBudgetStaysWhereItRefusesLittle) {
  for (const double alpha : {1.0, 0.4}) {
    const Search search = limited(by_kl(alpha), [](double) { return 0.15; });
    EXPECT_EQ(search.choice.alpha, alpha);
    EXPECT_FALSE(search.choice.lowered);
    EXPECT_EQ(search.generations.size(), 1U);
    EXPECT_EQ(search.choice.refusals->prompts, 120U);
  }
}

TEST(RefusalLimit, IsAtMostAllPrompts) {
  EXPECT_EQ((RefusalLimit{.original = 0.98, .budget = 0.05}.largest()), 1);
  EXPECT_DOUBLE_EQ((RefusalLimit{.original = 0.9, .budget = 0.05}.largest()), 0.95);
}

TEST(RefusalLimit, ABudgetOfZeroAllowsTheOriginalsShareAndNoMore) {
  const auto refusing = [](double alpha) { return alpha > 0.6 ? 0.11 : 0.1; };
  const AlphaChoice choice = limit_refusals(
      by_kl(1), kKlBudget, {.original = 0.1, .budget = 0, .prompts = 120},
      [](double alpha) { return AlphaPoint{.alpha = alpha, .kl = 0.1}; }, refusing);
  EXPECT_EQ(choice.alpha, 0.5);
  EXPECT_TRUE(choice.lowered);
}

TEST(RefusalLimit, FindsTheLargestAlphaOfARisingCurveToASixteenth) {
  for (const double alpha : {1.0, 0.35}) {
    for (const double crossing : {0.1, 0.2, 0.33, 0.5, 0.71, 0.9}) {
      // The rate jumps, so no point uses the budget before the last.
      const Search search = limited(by_kl(alpha), [&](double a) { return a <= crossing * alpha ? 0.1 : 0.6; });
      EXPECT_TRUE(search.choice.lowered);
      EXPECT_EQ(search.generations.size(), 5U);
      EXPECT_GE(search.choice.alpha, crossing * alpha - alpha / 16) << crossing;
      EXPECT_LE(search.choice.alpha, crossing * alpha);
    }
  }
}

TEST(RefusalLimit, EndsWhereTheBudgetIsNearlyUsed) {
  const Search search = limited(by_kl(1), [](double alpha) { return 0.1 + 0.09 * alpha; });  // 0.145 at one half
  EXPECT_EQ(search.choice.alpha, 0.5);
  EXPECT_EQ(search.generations.size(), 2U);
}

TEST(RefusalLimit, TakesAMeasuredAlphaWhereTheCurveIsNotMonotone) {
  const Search search = limited(by_kl(1), [](double alpha) {
    return alpha == 0.5 ? 0.4 : alpha == 0.25 ? 0.1 : alpha == 0.375 ? 0.3 : alpha == 0.3125 ? 0.12 : 0.9;
  });
  EXPECT_EQ(search.choice.alpha, 0.3125);
}

TEST(RefusalLimit, NoAlphaIsChosenWhereAllRefuseTooMuch) {
  const Search search = limited(by_kl(1), [](double) { return 0.2; });
  EXPECT_EQ(search.choice.alpha, 0);
  EXPECT_TRUE(search.choice.lowered);
  EXPECT_EQ(search.generations.rbegin()->first, 1.0);
  EXPECT_EQ(search.generations.begin()->first, 1.0 / 16);
}

TEST(RefusalLimit, AnAlphaThatIsOverTheKlBudgetIsNeverChosen) {
  const Search search = limited(
      by_kl(1), [](double alpha) { return alpha > 0.6 ? 0.9 : 0.1; },
      [](double alpha) { return alpha > 0.4 ? std::numeric_limits<double>::quiet_NaN() : 0.1; });
  EXPECT_LE(search.choice.alpha, 0.4);
  EXPECT_GT(search.choice.alpha, 0.3);
}

TEST(RefusalLimit, NothingIsGeneratedWhereNoAlphaKeepsTheKlBudget) {
  const Search search = limited({.alpha = 0, .curve = {{.alpha = 1, .kl = 9}}}, [](double) { return 0.1; });
  EXPECT_TRUE(search.generations.empty());
  EXPECT_FALSE(search.choice.lowered);
}

TEST(RefusalLimit, APointOfTheCurveIsMeasuredInPlace) {
  AlphaChoice start = by_kl(0.8);
  start.curve.insert(start.curve.begin(), {.alpha = 0.4, .kl = 0.07});
  const Search search = limited(start, [](double alpha) { return alpha > 0.4 ? 0.9 : 0.145; });
  EXPECT_EQ(search.choice.alpha, 0.4);
  EXPECT_EQ(search.choice.curve.size(), 3U);
}

}  // namespace
}  // namespace lethe
