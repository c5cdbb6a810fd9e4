// The choice of α: the largest within the KL budget, in a few measurements.
#include "evaluation/choose_alpha.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include "core/error.h"
#include "core/messages.h"
#include "evaluation/divergence_sample.h"
#include "models/loading.h"

namespace lethe {
namespace {

using Curve = std::function<double(double alpha)>;

// The choice, after checks that hold for every curve.
AlphaChoice choice_of(const Curve& kl, double budget, bool curve = false) {
  std::size_t measurements = 0;
  const AlphaChoice choice = choose_alpha(
      [&](double alpha) {
        ++measurements;
        return AlphaPoint{alpha, kl(alpha)};
      },
      budget, curve);
  EXPECT_EQ(choice.curve.size(), measurements);
  EXPECT_LE(measurements, (choice.halved ? 10U : 4U) + (curve ? 9U : 0U));
  for (std::size_t i = 1; i < choice.curve.size(); ++i) EXPECT_LT(choice.curve[i - 1].alpha, choice.curve[i].alpha);
  for (const AlphaPoint& point : choice.curve) {
    EXPECT_TRUE(point.kl > budget || std::isnan(point.kl) || point.alpha <= choice.alpha);
  }
  EXPECT_TRUE(choice.alpha == 0 || kl(choice.alpha) <= budget);
  return choice;
}

TEST(ChooseAlpha, TakesOneMeasurementWhereTheBudgetDoesNotBind) {
  const AlphaChoice choice = choice_of([](double alpha) { return alpha * alpha; }, 5);
  EXPECT_EQ(choice.alpha, 1);
  EXPECT_EQ(choice.curve.size(), 1U);
}

TEST(ChooseAlpha, ReachesTheBudgetOfAPowerLawInFourMeasurements) {
  for (const double power : {1.2, 1.7, 2.0, 2.6, 4.0}) {
    for (const double factor : {1.05, 2.0, 20.0, 300.0, 1000.0}) {
      const double budget = 0.3, largest = std::pow(1 / factor, 1 / power);
      const Curve kl = [&](double alpha) { return budget * factor * std::pow(alpha, power); };
      const AlphaChoice choice = choice_of(kl, budget);
      EXPECT_GE(choice.alpha, 0.97 * largest) << power << " " << factor;
      EXPECT_FALSE(choice.halved);
    }
  }
  EXPECT_LE(choice_of([](double alpha) { return 3 * alpha * alpha; }, 0.3).curve.size(), 2U) << "KL grows as α²";
}

// negation.survive: both KLs stay within the budget.
TEST(ChooseAlpha, KeepsTheBudgetInFourBitsToo) {
  const auto chosen = [](const Curve& kl, const Curve& rise) {
    return choose_alpha(
        [&](double alpha) {
          AlphaPoint point{alpha, kl(alpha)};
          point.nf4_rise = rise(alpha);
          return point;
        },
        0.3);
  };
  const Curve square = [](double alpha) { return alpha * alpha; }, steeper = [](double alpha) { return 3 * alpha; },
              negative = [](double alpha) { return -alpha; }, broken = [](double) { return NAN; };
  const AlphaChoice plain = choice_of(square, 0.3), same = chosen(square, negative), lower = chosen(square, steeper);
  EXPECT_EQ(same.alpha, plain.alpha) << "rounding that happens to help does not raise α";
  EXPECT_LE(3 * lower.alpha, 0.3);
  EXPECT_GE(3 * lower.alpha, 0.28);
  // Rounding adds a step just where four measurements end: measured on the demo, whose α fell to less than half.
  const AlphaChoice uneven =
      chosen([](double alpha) { return 4.6 * std::pow(alpha, 3.75); },
             [](double alpha) { return 4.6 * std::pow(alpha, 3.75) + (alpha > 0.44 ? 0.06 : 0); });
  EXPECT_GT(uneven.alpha, 0.44);
  EXPECT_GT(uneven.curve.size(), 4U);
  EXPECT_EQ(chosen(square, broken).alpha, 0);
  EXPECT_EQ(chosen(broken, square).alpha, 0);
}

// Measured: the demo's model (full tuning) and two small runs, by tenths of α.
TEST(ChooseAlpha, ComesCloseToTheBudgetOnMeasuredCurves) {
  const std::vector<std::pair<std::vector<double>, double>> runs = {
      {{0, .00013, .00069, .00316, .01273, .03284, .06598, .11364, .1905, .30158, .4491}, 0.02},
      {{0, .00124, .0049, .01063, .01775, .02555, .03355, .04156, .04958, .05766, .06573}, 0.02},
      {{0, .00412, .01522, .03109, .04993, .07052, .09215, .11446, .13722, .16034, .18373}, 0.03}};
  for (const auto& [tenths, budget] : runs) {
    const Curve kl = [&values = tenths](double alpha) {
      const auto at = static_cast<std::size_t>(std::min(alpha * 10, 9.0));
      return values[at] + (alpha * 10 - static_cast<double>(at)) * (values[at + 1] - values[at]);
    };
    EXPECT_GE(kl(choice_of(kl, budget).alpha), 0.9 * budget);
  }
}

TEST(ChooseAlpha, ReachesTheBudgetOfACurveThatSaturates) {
  const Curve kl = [](double alpha) { return 0.3 * 1000 * std::pow(std::min(alpha, 0.1), 2); };
  EXPECT_GE(choice_of(kl, 0.3).alpha, 0.95 * std::sqrt(1e-3));
}

TEST(ChooseAlpha, StaysWithinTheBudgetOfAKinkedCurve) {
  const Curve kl = [](double alpha) { return alpha < 0.6 ? 0.3 * alpha * alpha : 0.108 + 50 * (alpha - 0.6); };
  EXPECT_GE(choice_of(kl, 0.3).alpha, 0.3);
}

TEST(ChooseAlpha, TakesTheLargestThatFitsWhereTheCurveIsNotMonotone) {
  EXPECT_EQ(choice_of([](double alpha) { return alpha > 0.35 && alpha < 0.65 ? 1.0 : 0.1; }, 0.3).alpha, 1);
}

TEST(ChooseAlpha, TreatsAKlThatIsNotFiniteAsOverTheBudget) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const double broken : {kInfinity, kNaN}) {
    const AlphaChoice choice = choice_of([&](double alpha) { return alpha > 0.7 ? broken : alpha * alpha; }, 0.3);
    EXPECT_GE(choice.alpha, 0.5);
    EXPECT_FALSE(choice.halved);
    EXPECT_EQ(choice_of([&](double) { return broken; }, 0.3).alpha, 0);
  }
}

TEST(ChooseAlpha, HalvesTheSmallestWhereNoneOfTheFirstFits) {
  const AlphaChoice choice = choice_of(
      [](double alpha) { return alpha > 0.05 ? std::numeric_limits<double>::infinity() : alpha * alpha; }, 0.3);
  EXPECT_TRUE(choice.halved);
  EXPECT_EQ(choice.alpha, 1.0 / 32);
  EXPECT_EQ(choice_of([](double alpha) { return alpha < 1e-3 ? 0.0 : 0.5 * alpha * alpha; }, 1e-9).alpha, 0)
      << "what only rounding leaves within the budget is no choice";
  EXPECT_EQ(choice_of([](double) { return 9.0; }, 0.3).alpha, 0);
}

// What the progress of a choice said last, of how much.
class ProgressOfTheChoice : public Observer {
 public:
  ProgressOfTheChoice() : before_(set_observer(this)) {}
  ~ProgressOfTheChoice() override { set_observer(before_); }
  std::unique_ptr<ProgressDisplay> progress(const std::string&, std::uint64_t total, const std::string&) override {
    total_ = total;
    return std::make_unique<Display>(*this);
  }
  std::uint64_t done_ = 0, total_ = 0;
  bool went_back_or_over_ = false;

 private:
  struct Display : ProgressDisplay {
    explicit Display(ProgressOfTheChoice& all) : all(all) {}
    void update(std::uint64_t done, const std::string&) override {
      all.went_back_or_over_ |= done < all.done_ || done > all.total_;
      all.done_ = done;
    }
    ProgressOfTheChoice& all;
  };
  Observer* before_;
};

// "choosing alpha 1/4" was its last word where the search ended early, and 6/4 in four bits.
TEST(ChooseAlpha, ItsProgressReachesItsTotalHoweverTheSearchEnds) {
  for (const Curve& kl : std::vector<Curve>{[](double) { return 0.0; }, [](double alpha) { return alpha * alpha; },
                                            [](double alpha) { return alpha > 0.05 ? INFINITY : alpha; }}) {
    for (const bool nf4 : {false, true}) {
      const ProgressOfTheChoice progress;
      choose_alpha(
          [&](double alpha) {
            AlphaPoint point{alpha, kl(alpha)};
            if (nf4) point.nf4_rise = kl(alpha);
            return point;
          },
          0.3, nf4);
      EXPECT_EQ(progress.done_, progress.total_);
      EXPECT_FALSE(progress.went_back_or_over_);
    }
  }
}

TEST(ChooseAlpha, CopesWithNoise) {
  for (int seed = 0; seed < 50; ++seed) {
    const Curve kl = [&](double alpha) { return 4 * alpha * alpha * (1 + 0.04 * std::sin(1e5 * (alpha + seed))); };
    EXPECT_GE(choice_of(kl, 0.3).alpha, 0.9 * std::sqrt(0.3 / 4)) << seed;
  }
}

TEST(ChooseAlpha, MeasuresTheTenthsOnlyWhereTheCurveIsWanted) {
  const Curve kl = [](double alpha) { return alpha * alpha; };
  const AlphaChoice few = choice_of(kl, 0.3), all = choice_of(kl, 0.3, true);
  EXPECT_EQ(all.alpha, few.alpha);
  EXPECT_EQ(all.curve.size(), few.curve.size() + 9);
}

TEST(ChooseAlpha, HalvesNoAlphaWhereATenthFits) {
  const Curve kl = [](double alpha) { return alpha > 0.11 ? std::numeric_limits<double>::infinity() : alpha * alpha; };
  EXPECT_TRUE(choice_of(kl, 0.3).halved);  // after 1, 1/2, 1/4 and 1/8
  const AlphaChoice choice = choice_of(kl, 0.3, true);
  EXPECT_EQ(choice.alpha, 0.1);
  EXPECT_FALSE(choice.halved);
}

TEST(DivergenceSample, EstimatesTheMeanPerTokenWithItsStandardErrorOverPairs) {
  const AlphaPoint point =
      mean_divergence(0.5, {{.kl = 2, .tokens = 10}, {.kl = 6, .tokens = 10}, {.kl = 1, .tokens = 10}});
  EXPECT_EQ(point.alpha, 0.5);
  EXPECT_EQ(point.pairs, 3U);
  EXPECT_EQ(point.tokens, 30);
  EXPECT_DOUBLE_EQ(point.kl, 0.3);
  // Residuals −1, 3 and −2 of 30 tokens.
  EXPECT_NEAR(point.standard_error, std::sqrt(1.5 * 14) / 30, 1e-12);
  EXPECT_EQ(mean_divergence(1, {{.kl = 2, .tokens = 10}}).standard_error, 0);
}

TEST(DivergenceSample, NeedsMorePairsOnlyNearTheBudget) {
  const auto needed = [](double kl, double error) {
    return pairs_needed({.alpha = 1, .kl = kl, .standard_error = error, .pairs = 64}, 0.3);
  };
  EXPECT_EQ(needed(0.3, 0.0149), 64U);
  EXPECT_EQ(needed(0.3, 0.03), 282U) << "1.1 · 2² · 64";
  EXPECT_EQ(needed(0.9, 0.1), 64U) << "clearly over";
  EXPECT_EQ(needed(0.05, 0.03), 64U) << "clearly within";
  EXPECT_EQ(needed(0.4, 0.02), 64U) << "five standard errors over";
  EXPECT_GT(needed(0.37, 0.02), 64U) << "three and a half";
  EXPECT_EQ(needed(0.2, 0.02), 64U) << "four below 95% of the budget";
  EXPECT_GT(needed(0.21, 0.02), 64U);
  EXPECT_GT(needed(0.9, 0.2), 64U) << "three standard errors over";
  EXPECT_EQ(needed(std::numeric_limits<double>::infinity(), 0.2), 64U);
}

// The demo's model with noise in its weights: KL from the original grows with the share of the noise.
class GrowingSample : public testing::Test {
 protected:
  GrowingSample()
      : base_(std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        model_(load_model(base_)),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}) {
    at::manual_seed(7);
    at::set_num_threads(1);  // small matrices: more threads wait for each other
    for (int i = 0; i < 100; ++i)
      pairs_.push_back(
          {"Where is house " + std::to_string(i) + "?",
           i % 5 == 0 ? "Saltby." : "It stands in Saltby, near the mill with the number " + std::to_string(i)});
    for (const Parameter& parameter : model_.parameters()) {
      original_.push_back(parameter.tensor->clone());
      noise_.push_back(0.03 * at::randn(parameter.shape, at::kFloat));
    }
  }
  void apply(double alpha) {
    const at::NoGradGuard no_gradient;
    std::size_t i = 0;
    for (const Parameter& parameter : model_.parameters()) {
      parameter.tensor->copy_(original_[i] + alpha * noise_[i]);
      ++i;
    }
  }

  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  std::vector<Pair> pairs_;
  std::vector<at::Tensor> original_, noise_;
};

TEST_F(GrowingSample, GrowsUntilTheStandardErrorIsSmallAndMeasuresAgainstTheOriginal) {
  DivergenceMeter whole(model_, examples_, pairs_);
  DivergenceSample sample(model_, examples_, pairs_, 1);
  EXPECT_EQ(sample.used(), 64U);
  EXPECT_EQ(sample.all(), 100U);
  AlphaMeter meter(sample, model_, [&](double alpha) { apply(alpha); });
  const AlphaPoint far = meter.measure(1, 1e-6);
  EXPECT_EQ(far.pairs, 64U) << "clearly over the budget";
  apply(1);
  const double truth = whole.measure(model_);
  EXPECT_NEAR(far.kl, truth, 4 * far.standard_error);
  // A budget near the KL whose 5% are less than the standard error of 64 pairs.
  const AlphaPoint near = meter.measure(0.5, meter.measure(0.5, 1e9).kl);
  EXPECT_GE(near.pairs, 64U);
  EXPECT_TRUE(near.pairs == 100 || near.standard_error <= 0.05 * near.kl * 1.05) << near.standard_error;
  apply(0);
  sample.grow(model_, 100);
  const AlphaPoint all = meter.measure(1, truth);
  EXPECT_EQ(all.pairs, 100U);
  EXPECT_NEAR(all.kl, truth, 1e-5 * truth) << "the grown part has the original's predictions, too";
}

// The rise is measured against the original in four bits, on the same pairs, and grows with them.
TEST_F(GrowingSample, MeasuresTheModelInFourBitsToo) {
  DivergenceMeter whole(model_, examples_, pairs_);
  const auto in_four_bits = [&](double alpha) {
    apply(alpha);
    std::vector<at::Tensor> kept;
    for (const Parameter& parameter : model_.parameters()) {
      kept.push_back(parameter.tensor->clone());
      if (parameter.linear != nullptr) parameter.tensor->copy_(to_nf4(*parameter.tensor).values(at::kFloat));
    }
    const double kl = whole.measure(model_);
    std::size_t i = 0;
    for (const Parameter& parameter : model_.parameters()) parameter.tensor->copy_(kept[i++]);
    return kl;
  };
  const c10::NoGradGuard no_gradient;
  const double original = in_four_bits(0), wanted = in_four_bits(0.5) - original;
  apply(0);
  DivergenceSample sample(model_, examples_, pairs_, 1);
  AlphaMeter meter(
      sample, model_, [&](double alpha) { apply(alpha); }, /*nf4=*/true);
  const AlphaPoint few = meter.measure(0.5, 1e9);
  ASSERT_TRUE(few.nf4_rise.has_value());
  EXPECT_EQ(few.pairs, 64U);
  apply(0);
  sample.grow(model_, 100);
  const AlphaPoint all = meter.measure(0.5, 1e9);
  EXPECT_EQ(all.pairs, 100U);
  EXPECT_NEAR(*all.nf4_rise, wanted, 1e-5 * (1 + std::abs(original)));
  EXPECT_GT(original, 1e-4) << "rounding alone moves the model";
  EXPECT_EQ(meter.measure(0, 1e9).nf4_rise, 0);
  apply(0.5);
  EXPECT_NEAR(whole.measure(model_), all.kl, 1e-6 * (1 + all.kl)) << "the model is as it was before";
  EXPECT_FALSE(AlphaMeter(sample, model_, [&](double alpha) { apply(alpha); }).measure(1, 1e9).nf4_rise.has_value());
}

// Pairs with a common beginning run through the model together.
TEST_F(GrowingSample, APairHasTheKlThatItHasAlone) {
  DivergenceMeter meter(model_, examples_, {pairs_.begin(), pairs_.begin() + 20});
  meter.add(model_, std::span(pairs_).subspan(20, 3));
  for (const PairDivergence& pair : meter.measure_each(model_)) EXPECT_EQ(pair.kl, 0) << "the same model, to the bit";
  std::vector<DivergenceMeter> alone;
  for (std::size_t i = 0; i < 23; ++i) alone.emplace_back(model_, examples_, std::vector{pairs_[i]});
  apply(0.5);
  const std::vector<PairDivergence> each = meter.measure_each(model_);
  ASSERT_EQ(each.size(), 23U);
  for (std::size_t i = 0; i < 23; ++i) {
    const PairDivergence one = alone[i].measure_each(model_)[0];
    EXPECT_NEAR(each[i].kl, one.kl, 1e-4 * one.kl) << i;
    EXPECT_EQ(each[i].tokens, one.tokens);
  }
  EXPECT_EQ(meter.measure_each(model_, 20).size(), 3U);
  EXPECT_EQ(meter.measure_each(model_, 20)[0].kl, each[20].kl);
  EXPECT_THROW(meter.measure_each(model_, 5), Error) << "within a group";
}

TEST_F(GrowingSample, ItsOrderDependsOnTheSeedAndNotOnTheOrderOfThePairs) {
  const auto mean = [&](std::vector<Pair> pairs, std::uint64_t seed) {
    apply(0);
    DivergenceSample sample(model_, examples_, std::move(pairs), seed);
    return AlphaMeter(sample, model_, [&](double alpha) { apply(alpha); }).measure(1, 1e-6).kl;
  };
  const std::vector<Pair> reversed(pairs_.rbegin(), pairs_.rend());
  EXPECT_EQ(mean(pairs_, 1), mean(reversed, 1));
  EXPECT_NE(mean(pairs_, 1), mean(pairs_, 2));
}

}  // namespace
}  // namespace lethe
