// Paired tests and intervals equal statsmodels' and scipy's (tools/fixtures/metrics.py).
#include "metrics/significance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/json.h"
#include "metrics/mean.h"
#include "metrics/proportion.h"

namespace lethe {
namespace {

Json statistics_fixture(const std::string& part) {
  return read_json(std::filesystem::path(LETHE_FIXTURES) / "metrics/statistics.json").at(part);
}

TEST(Mcnemar, IsStatsmodelsExactTest) {
  for (const Json& row : statistics_fixture("mcnemar")) {
    const double wanted = row["p"];
    EXPECT_NEAR(mcnemar_p(row["only_first"], row["only_second"]), wanted, 1e-9 * std::max(1.0, wanted)) << row.dump();
  }
}

TEST(Permutation, IsScipysExactlyForFewAndWithinChanceForMany) {
  for (const Json& row : statistics_fixture("permutation")) {
    const auto values = row["values"].get<std::vector<double>>();
    const double p = row["p"];
    if (row["exact"].get<bool>()) {
      EXPECT_NEAR(permutation_p(values, 1), p, 1e-12);
    } else {  // five standard errors of 10,000 draws
      EXPECT_NEAR(permutation_p(values, 1), p, 5 * std::sqrt(p * (1 - p) / 10'000) + 2e-4);
      EXPECT_EQ(permutation_p(values, 1), permutation_p(values, 1));
    }
  }
}

TEST(Intervals, OfMeansAreScipysStudentsTAndOfSharesStatsmodelsWilson) {
  for (const Json& row : statistics_fixture("t")) {
    const Mean mean = mean_of(row["values"].get<std::vector<double>>());
    EXPECT_NEAR(mean.value, row["mean"].get<double>(), 1e-9);
    EXPECT_NEAR(mean.value - mean.half_width, row["low"].get<double>(), 1e-5);
    EXPECT_NEAR(mean.value + mean.half_width, row["high"].get<double>(), 1e-5);
  }
  for (const Json& row : statistics_fixture("wilson")) {
    const Proportion share = proportion(row["hits"], row["cases"]);
    EXPECT_NEAR(share.low, row["interval"][0].get<double>(), 1e-9);
    EXPECT_NEAR(share.high, row["interval"][1].get<double>(), 1e-9);
  }
}

TEST(Bootstrap, IntervalIsScipysWithinChanceAndTheSameForOneSeed) {
  for (const Json& row : statistics_fixture("bootstrap")) {
    const auto nll = row["nll"].get<std::vector<double>>();
    const auto tokens = row["tokens"].get<std::vector<double>>();
    const auto perplexity = [&](std::span<const std::size_t> drawn) {
      double sum = 0, count = 0;
      for (const std::size_t i : drawn) {
        sum += nll[i];
        count += tokens[i];
      }
      return std::exp(sum / count);
    };
    const Interval found = bootstrap_interval(nll.size(), perplexity, 1);
    const double low = row["low"], high = row["high"];
    EXPECT_NEAR(found.low, low, 0.08 * (high - low));
    EXPECT_NEAR(found.high, high, 0.08 * (high - low));
    EXPECT_EQ(bootstrap_interval(nll.size(), perplexity, 1).low, found.low);
    EXPECT_NE(bootstrap_interval(nll.size(), perplexity, 2).low, found.low);
  }
}

}  // namespace
}  // namespace lethe
