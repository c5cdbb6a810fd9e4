// The optimizer against its formula in float64; schedules, clipping, accumulation, and the guard.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/error.h"
#include "training/loop.h"

namespace lethe {
namespace {

TEST(AdamW, IsDecoupledWeightDecayWithBiasCorrection) {
  at::Tensor weight = at::tensor({0.5F, -1.5F, 2.0F}).requires_grad_(true);
  AdamW optimizer({weight}, {.weight_decay = 0.1});
  double w[3] = {0.5, -1.5, 2.0}, m[3] = {}, v[3] = {};
  for (int step = 1; step <= 5; ++step) {
    const double lr = 0.01 * step;
    at::Tensor gradient = at::empty({3});
    for (int i = 0; i < 3; ++i) {
      const double g = std::sin(step + 2.0 * i);
      gradient[i] = g;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double first = m[i] / (1 - std::pow(0.9, step)), second = v[i] / (1 - std::pow(0.999, step));
      w[i] = w[i] * (1 - lr * 0.1) - lr * first / (std::sqrt(second) + 1e-8);
    }
    weight.mutable_grad() = gradient;
    optimizer.step(lr);
    EXPECT_FALSE(weight.grad().defined());
  }
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(weight[i].item<double>(), w[i], 1e-6);
}

TEST(AdamW, StepsWithinTheBackwardPassToTheSameBits) {
  const auto train = [](bool within) {
    at::manual_seed(5);
    std::vector<at::Tensor> weights{at::randn({8, 4}), at::randn({8, 8}).to(at::kBFloat16), at::randn({3, 8}),
                                    at::randn({2})};
    for (at::Tensor& weight : weights) weight.requires_grad_(true);  // the last one is not in the loss
    AdamW optimizer(weights, {.weight_decay = 0.1});
    std::vector<double> norms;
    for (int step = 0; step < 4; ++step) {
      std::optional<BackwardSteps> steps;
      if (within) steps.emplace(optimizer, 0.01);
      const at::Tensor inner = at::linear(at::randn({5, 4}), weights[0]).tanh();
      at::linear(at::linear(inner, weights[1].to(at::kFloat)).tanh(), weights[2]).square().mean().backward();
      norms.push_back((within ? steps->gradient_norm() : optimizer.clip_gradients(0)).item<double>());
      if (!within) optimizer.step(0.01);
      for (const at::Tensor& weight : weights) EXPECT_FALSE(weight.grad().defined());
    }
    std::vector<at::Tensor> state;
    for (const auto& [name, tensor] : optimizer.state()) state.push_back(tensor.clone());
    return std::pair(state, norms);
  };
  const auto after = train(false), within = train(true);
  ASSERT_EQ(after.first.size(), within.first.size());
  for (std::size_t i = 0; i < after.first.size(); ++i) EXPECT_TRUE(at::equal(after.first[i], within.first[i])) << i;
  EXPECT_EQ(after.second, within.second);
  EXPECT_GT(within.second[0], 0);
}

TEST(AdamW, LeavesAWeightWhoseGradientIsNotFinite) {
  at::Tensor weight = at::ones({2}).requires_grad_(true);
  AdamW optimizer({weight}, {});
  const BackwardSteps steps(optimizer, 0.1);
  (weight * std::numeric_limits<double>::infinity()).sum().backward();
  EXPECT_TRUE(at::equal(weight.detach(), at::ones({2})));
  EXPECT_FALSE(std::isfinite(steps.gradient_norm().item<double>()));
}

TEST(AdamW, SmallStepsOfSixteenBitWeightsAddUp) {
  at::Tensor weight = at::ones({1}, at::kBFloat16).requires_grad_(true);
  AdamW optimizer({weight}, {});
  for (int step = 0; step < 100; ++step) {
    weight.mutable_grad() = at::ones({1}, at::kBFloat16);
    optimizer.step(1e-3);  // less than half a unit in the last place of 1.0
  }
  EXPECT_NEAR(weight.item<double>(), 0.9, 0.01);
}

TEST(Clipping, BoundsTheJointNormAndReturnsTheOneBefore) {
  at::Tensor a = at::zeros({1}).requires_grad_(true), b = at::zeros({1}).requires_grad_(true);
  a.mutable_grad() = at::full({1}, 3.0);
  b.mutable_grad() = at::full({1}, 4.0);
  AdamW optimizer({a, b}, {});
  EXPECT_NEAR(optimizer.clip_gradients(1).item<double>(), 5, 1e-6);
  EXPECT_NEAR(a.grad().item<double>(), 0.6, 1e-5);
  EXPECT_NEAR(b.grad().item<double>(), 0.8, 1e-5);
  EXPECT_NEAR(optimizer.clip_gradients(0).item<double>(), 1, 1e-5);
}

TEST(Schedules, LinearEndsAtZeroAfterTheLastStepAndNeverWithinTheRun) {  // defect 6: surplus steps at lr 0
  const Schedule linear{.kind = ScheduleKind::linear, .lr = 1, .warmup = 0, .steps = 4};
  EXPECT_EQ(linear.at(0), 1);
  EXPECT_EQ(linear.at(3), 0.25);
  EXPECT_EQ(linear.at(4), 0);
  const Schedule warm{.kind = ScheduleKind::cosine, .lr = 1, .warmup = 2, .steps = 6};
  EXPECT_EQ(warm.at(0), 0.5);
  EXPECT_EQ(warm.at(1), 1);
  EXPECT_NEAR(warm.at(4), 0.5, 1e-12);
  EXPECT_EQ((Schedule{.kind = ScheduleKind::constant, .lr = 0.3, .warmup = 0, .steps = 2}.at(7)), 0.3);
}

// ½(w − target)² for the target of each micro-batch.
class Parabola : public Objective {
 public:
  Parabola(at::Tensor weight, std::vector<double> targets) : weight_(std::move(weight)), targets_(std::move(targets)) {}
  StepLoss loss(std::uint64_t micro) override {
    micros.push_back(micro);
    StepLoss result;
    result.loss = (weight_ - targets_[micro % targets_.size()]).square().sum() / 2;
    result.terms["gd"] = result.loss;
    return result;
  }
  std::vector<std::string> terms() const override { return {"gd"}; }
  std::vector<std::uint64_t> micros;

 private:
  at::Tensor weight_;
  std::vector<double> targets_;
};

std::filesystem::path metrics_file(const std::string& name) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("lethe_" + name + ".jsonl");
  std::filesystem::remove(path);
  return path;
}

TEST(Loop, AccumulatedGradientsAreThoseOfTheWholeBatch) {
  const auto trained = [&](std::int64_t accumulate, const std::vector<double>& targets) {
    at::Tensor weight = at::ones({1}).requires_grad_(true);
    AdamW optimizer({weight}, {});
    Parabola objective(weight, targets);
    LoopOptions options{
        .steps = 3, .accumulate = accumulate, .clip = 0, .schedule = {.kind = ScheduleKind::constant, .lr = 0.1}};
    const auto records = train(objective, optimizer, options, metrics_file("loop"));
    EXPECT_EQ(objective.micros.size(), static_cast<std::size_t>(3 * accumulate));  // exactly the given number of steps
    return std::pair(weight.item<double>(), records.back().loss);
  };
  // The mean of two parabolas has its minimum between theirs.
  const auto [w, loss] = trained(2, {2, 4});
  const auto [same, other_loss] = trained(1, {3});
  EXPECT_NEAR(w, same, 1e-6);
  EXPECT_NEAR(loss, other_loss + 0.5, 1e-4);
}

TEST(Guard, StopsAtNanAndAtATermThatExplodesButLetsOneRiseThatIsMeantTo) {
  DivergenceGuard guard;
  EXPECT_THROW(guard.check(0, {{"gd", std::nan("")}}, 1), Error);
  EXPECT_THROW(DivergenceGuard().check(0, {{"gd", 1.0}}, INFINITY), Error);
  const auto rise = [](const GuardOptions& options) {
    DivergenceGuard fresh(options);
    for (int step = 0; step < 20; ++step) fresh.check(step, {{"kl", 20.0 * step}}, 1);
  };
  EXPECT_THROW(rise({}), Error);
  EXPECT_NO_THROW(rise({.rising = {"kl"}}));
}

TEST(Guard, AdvisesSettingsThatTheObjectiveHas) {
  const auto message = [](const GuardOptions& options, double value) {
    try {
      DivergenceGuard(options).check(0, {{"kl", value}}, 1);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const double value : {100.0, std::nan("")}) {
    EXPECT_EQ(message({}, value).find("sku."), std::string::npos) << message({}, value);
    EXPECT_NE(message({}, value).find("training.lr"), std::string::npos);
    EXPECT_NE(message({.rate_key = "negation.repair.lr"}, value).find("lower negation.repair.lr"), std::string::npos);
  }
  EXPECT_NE(message({.advice = {{"kl", "set sku.pd_margin"}}}, 100).find("try     set sku.pd_margin"),
            std::string::npos)
      << message({.advice = {{"kl", "set sku.pd_margin"}}}, 100);
}

}  // namespace
}  // namespace lethe
