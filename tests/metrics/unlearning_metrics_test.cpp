// The unlearning benchmarks' metrics equal scipy's and the definitions in float64 (tools/fixtures/benchmarks.py).
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/json.h"
#include "metrics/kolmogorov_smirnov.h"
#include "metrics/membership.h"
#include "metrics/memorization.h"
#include "metrics/truth_ratio.h"

namespace lethe {
namespace {

Json unlearning_fixture(const std::string& part) {
  return read_json(std::filesystem::path(LETHE_FIXTURES) / "benchmarks/metrics.json").at(part);
}

TEST(KolmogorovSmirnov, IsScipysExactTestForAnySizesAndTies) {
  for (const Json& row : unlearning_fixture("kolmogorov_smirnov")) {
    const auto a = row["a"].get<std::vector<double>>(), b = row["b"].get<std::vector<double>>();
    const double p = row["p"];
    EXPECT_NEAR(kolmogorov_smirnov_p(a, b), p, 1e-9 * p) << a.size() << " and " << b.size();
    EXPECT_NEAR(kolmogorov_smirnov_p(b, a), p, 1e-9 * p) << "the other way round";
  }
}

TEST(KolmogorovSmirnov, OfSamplesApartIsTwoOverTheNumberOfOrders) {
  for (const Json& row : unlearning_fixture("apart")) {
    const auto n = row["n"].get<std::size_t>();
    std::vector<double> low, high;
    for (std::size_t i = 0; i < n; ++i) {
      low.push_back(static_cast<double>(i));
      high.push_back(static_cast<double>(n + i));
    }
    const auto size = static_cast<double>(n);
    const double exact = 2 * std::exp(2 * std::lgamma(size + 1) - std::lgamma(2 * size + 1));  // 2 / C(2n, n)
    const double printed = row["p"];
    EXPECT_NEAR(kolmogorov_smirnov_p(low, high), exact, 1e-9 * exact) << n;
    EXPECT_NEAR(kolmogorov_smirnov_p(low, high), printed, 1e-4 * printed) << n;
  }
}

TEST(KolmogorovSmirnov, OfOneValueEachIsOneAndOfNoneOrNanIsAnError) {
  const std::vector<double> one = {3.0}, other = {4.0}, none, broken = {NAN};
  EXPECT_EQ(kolmogorov_smirnov_p(one, other), 1);
  EXPECT_EQ(kolmogorov_smirnov_p(one, one), 1);
  EXPECT_THROW(kolmogorov_smirnov_p(one, none), Error);
  EXPECT_THROW(kolmogorov_smirnov_p(broken, one), Error);
}

TEST(Memorization, CountsFromTheFirstPositionThatIsRightToTheEnd) {
  const std::vector<char> late = {1, 0, 1, 1}, never = {1, 1, 1, 0}, always = {1, 1}, none;
  EXPECT_DOUBLE_EQ(extraction_strength(late), 0.5);
  EXPECT_DOUBLE_EQ(exact_memorization(late), 0.75);
  EXPECT_DOUBLE_EQ(extraction_strength(never), 0);  // OpenUnlearning's code gives 1/n
  EXPECT_DOUBLE_EQ(exact_memorization(never), 0.75);
  EXPECT_DOUBLE_EQ(extraction_strength(always), 1);
  EXPECT_DOUBLE_EQ(extraction_strength(none), 0);
  EXPECT_DOUBLE_EQ(exact_memorization(none), 0);
}

TEST(Membership, ScoresAreThoseOfTheDefinitions) {
  const Json tokens = unlearning_fixture("tokens");
  const auto values = tokens["values"].get<std::vector<double>>();
  std::vector<double> normalised;
  for (std::size_t i = 0; i < values.size(); ++i)
    normalised.push_back(normalised_log_probability(values[i], tokens["mean"][i], tokens["variance"][i]));
  for (const Json& row : tokens["shares"]) {
    const auto n = row["n"].get<std::size_t>();
    const double share = row["share"];
    EXPECT_NEAR(min_k_score({values.data(), n}, share), row["min_k"].get<double>(), 1e-12) << row.dump();
    EXPECT_NEAR(min_k_score({normalised.data(), n}, share), row["min_k_plus_plus"].get<double>(), 1e-12) << row.dump();
  }
  EXPECT_EQ(min_k_score({}, 0.4), 0);
  EXPECT_DOUBLE_EQ(normalised_log_probability(-1, -3, 0), 2 / std::sqrt(1e-6));
  for (const Json& row : unlearning_fixture("zlib")) {
    const auto text = row["text"].get<std::string>();
    EXPECT_EQ(zlib_bytes(text), row["bytes"].get<std::size_t>()) << text;
    EXPECT_DOUBLE_EQ(zlib_score(3, text), 3 / row["bytes"].get<double>());
  }
}

TEST(Membership, AucIsOneIfTheForgetSetIsKnownAndPrivacyLeakNegative) {
  const std::vector<double> low = {1, 2}, high = {3, 4}, none;
  EXPECT_EQ(membership_auc(low, high), 1);
  EXPECT_EQ(membership_auc(high, low), 0);
  EXPECT_EQ(membership_auc(low, low), 0.5);
  EXPECT_FALSE(membership_auc(low, none));
  EXPECT_DOUBLE_EQ(*privacy_leak(1, 0.5), -100);  // the model knows it as if nothing had been forgotten
  EXPECT_DOUBLE_EQ(*privacy_leak(0.5, 0.5), 0);
  EXPECT_DOUBLE_EQ(*privacy_leak(0, 0.5), 100);
  EXPECT_FALSE(privacy_leak(0.5, 1));
}

TEST(TruthRatio, AndItsAggregatesAreTofus) {
  const std::vector<double> wrong = {2, 4}, ratios = {0.5, 2, 1};
  EXPECT_DOUBLE_EQ(truth_ratio(1, wrong), std::exp(1 - 3));
  // e^999 is no float64; null in rows.jsonl would say nothing, and could not be compared with a retain model's.
  EXPECT_TRUE(std::isfinite(truth_ratio(1002, wrong)));
  EXPECT_EQ(truth_ratio_closer_to_one(std::vector{truth_ratio(1002, wrong)}), 1 / truth_ratio(1002, wrong));
  EXPECT_DOUBLE_EQ(truth_ratio_closer_to_one(ratios), (0.5 + 0.5 + 1) / 3);
  EXPECT_DOUBLE_EQ(truth_ratio_true_better(ratios), 0.5 / 3);
  for (const Json& row : unlearning_fixture("harmonic"))
    EXPECT_NEAR(harmonic_mean(row["values"].get<std::vector<double>>()), row["mean"].get<double>(), 1e-12);
  EXPECT_EQ(harmonic_mean({}), 0);
}

}  // namespace
}  // namespace lethe
