#include "metrics/classification.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/json.h"

namespace lethe {
namespace {

TEST(Classification, EqualsScikitLearn) {
  const Json cases = read_json(std::filesystem::path(LETHE_FIXTURES) / "metrics" / "classification.json");
  ASSERT_GE(cases.size(), 3U);
  for (const Json& one : cases) {
    std::vector<Scored> scored;
    std::vector<std::pair<bool, bool>> ratings;
    for (std::size_t i = 0; i < one.at("scores").size(); ++i) {
      scored.emplace_back(one.at("scores")[i].get<double>(), one.at("truth")[i].get<bool>());
      ratings.emplace_back(one.at("first")[i].get<bool>(), one.at("second")[i].get<bool>());
    }
    EXPECT_NEAR(*area_under_curve(scored), one.at("auc").get<double>(), 1e-12);
    EXPECT_NEAR(accuracy(scored), one.at("accuracy").get<double>(), 1e-12);
    EXPECT_NEAR(calibration(scored).brier, one.at("brier").get<double>(), 1e-12);
    EXPECT_NEAR(calibration(scored).expected_error, one.at("expected_error").get<double>(), 1e-12);
    EXPECT_NEAR(*cohen_kappa(ratings), one.at("kappa").get<double>(), 1e-12);
  }
}

TEST(Classification, TiesCountHalfAndOneClassHasNoCurve) {
  EXPECT_DOUBLE_EQ(*area_under_curve({{0.9, true}, {0.1, false}}), 1);
  EXPECT_DOUBLE_EQ(*area_under_curve({{0.5, true}, {0.5, false}}), 0.5);
  EXPECT_DOUBLE_EQ(*area_under_curve({{0.1, true}, {0.9, false}, {0.05, false}}), 0.5);
  EXPECT_FALSE(area_under_curve({{0.5, true}}));
}

TEST(Classification, BinsHoldEveryCaseOnce) {
  const Calibration found = calibration({{0.0, false}, {0.05, true}, {0.1, false}, {1.0, true}});
  ASSERT_EQ(found.bins.size(), 10U);
  EXPECT_EQ(found.bins[0].cases, 2U);
  EXPECT_EQ(found.bins[1].cases, 1U);
  EXPECT_EQ(found.bins[9].cases, 1U);
  EXPECT_DOUBLE_EQ(found.bins[0].share, 0.5);
}

TEST(Classification, KappaOfRatersWhoNeverDifferInTheirWordIsNotDefined) {
  EXPECT_FALSE(cohen_kappa({}));
  EXPECT_FALSE(cohen_kappa({{false, false}, {false, false}}));
  EXPECT_DOUBLE_EQ(*cohen_kappa({{true, true}, {false, false}}), 1);
  EXPECT_DOUBLE_EQ(*cohen_kappa({{true, false}, {false, false}, {true, false}, {false, false}}), 0);
}

}  // namespace
}  // namespace lethe
