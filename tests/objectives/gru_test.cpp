// GRU's rule for gradients: against the fixture of tools/fixtures/logit_objectives.py, over steps and micro-batches.
#include "objectives/gru.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/json.h"

namespace lethe {
namespace {

at::Tensor vector_of(const Json& numbers) {
  return at::tensor(numbers.get<std::vector<double>>(), at::kDouble);
}

/// Losses whose gradients are given, one for each micro-batch.
class GivenGradients : public Objective {
 public:
  struct Micro {
    at::Tensor forget, retain;
  };
  GivenGradients(at::Tensor x, std::vector<Micro> micros) : x_(std::move(x)), micros_(std::move(micros)) {}
  StepLoss loss(std::uint64_t micro) override {
    const Micro& given = micros_.at(micro);
    StepLoss result;
    result.forget = (given.forget * x_).sum();
    result.loss = result.forget;
    if (given.retain.defined()) {
      result.retain = (given.retain * x_).sum();
      result.loss = result.forget + result.retain;
    }
    result.terms["forget"] = result.forget.detach();
    return result;
  }
  std::vector<std::string> terms() const override { return {"forget"}; }
  NamedTensors state() override { return {{"steps", steps_}}; }
  void stepped(const std::map<std::string, double>&) override { steps_.add_(1); }

 private:
  at::Tensor x_, steps_ = at::zeros({}, at::kDouble);
  std::vector<Micro> micros_;
};

class Gru : public testing::Test {
 protected:
  Gru() {
    const Json cases = read_json(std::filesystem::path(LETHE_FIXTURES) / "objectives" / "logits.json")["gru"];
    for (const Json& given : cases) {
      micros_.push_back({vector_of(given["forget"]), vector_of(given["retain"])});
      results_.push_back(vector_of(given["result"]));
    }
  }
  GruObjective objective(std::vector<GivenGradients::Micro> micros, std::int64_t accumulate = 1) {
    return GruObjective(std::make_unique<GivenGradients>(x_, std::move(micros)), {x_, unused_}, accumulate);
  }
  /// The gradient of one step, as the training loop computes it.
  at::Tensor step(GruObjective& objective, std::uint64_t number, std::int64_t accumulate = 1) {
    x_.mutable_grad() = at::Tensor();
    for (std::int64_t i = 0; i < accumulate; ++i) {
      const StepLoss part =
          objective.loss(number * static_cast<std::uint64_t>(accumulate) + static_cast<std::uint64_t>(i));
      if (part.loss.requires_grad()) (part.loss / static_cast<double>(accumulate)).backward();
    }
    objective.stepped({});
    return x_.grad().clone();
  }
  static at::Tensor by_rule(const at::Tensor& forget, const at::Tensor& average) {
    const double product = at::dot(forget, average).item<double>();
    return product < 0 ? forget - product / at::dot(average, average).item<double>() * average : forget;
  }
  static double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

  at::Tensor x_ = at::tensor({1.0, -2.0, 0.5, 3.0, -1.0, 0.25}, at::kDouble).requires_grad_(true);
  at::Tensor unused_ = at::ones({3}, at::kDouble).requires_grad_(true);
  std::vector<GivenGradients::Micro> micros_;
  std::vector<at::Tensor> results_;
};

TEST_F(Gru, RemovesWhatIsAgainstTheRetainGradientOnlyWhereTheyDisagree) {
  ASSERT_EQ(micros_.size(), 2U);
  EXPECT_EQ(difference(results_[0], micros_[0].forget), 0);  // one case agrees
  EXPECT_GT(difference(results_[1], micros_[1].forget), 0.1);
  for (std::size_t i = 0; i < micros_.size(); ++i) {
    GruObjective alone = objective({micros_[i]});
    EXPECT_LT(difference(step(alone, 0), results_[i] + micros_[i].retain), 1e-12) << i;
  }
}

TEST_F(Gru, LeavesTheValueOfTheLossAndItsTerms) {
  GivenGradients plain(x_, {micros_[1]});
  GruObjective changed = objective({micros_[1]});
  const StepLoss found = changed.loss(0);
  EXPECT_EQ(found.loss.item<double>(), plain.loss(0).loss.item<double>());
  EXPECT_EQ(values_of(found.terms), values_of(plain.loss(0).terms));
}

TEST_F(Gru, ComparesWithAMovingAverageOfTheRetainGradient) {
  const at::Tensor first = micros_[1].retain, second = -0.1 * first + 0.3 * micros_[0].retain;
  GruObjective rule = objective({micros_[1], {micros_[1].forget, second}, {micros_[1].forget, {}}});
  step(rule, 0);
  const at::Tensor average = 0.8 * second + 0.2 * 0.8 * first;
  EXPECT_LT(difference(step(rule, 1), by_rule(micros_[1].forget, average) + second), 1e-12);
  EXPECT_LT(difference(step(rule, 2), by_rule(micros_[1].forget, 0.2 * average)), 1e-12);  // no retain loss
}

TEST_F(Gru, AppliesTheRuleToTheWholeStepAndNotToEachMicroBatch) {
  GruObjective rule = objective({micros_[0], micros_[1], micros_[1], micros_[0]}, 2);
  const at::Tensor forget = (micros_[0].forget + micros_[1].forget) / 2,
                   retain = (micros_[0].retain + micros_[1].retain) / 2;
  EXPECT_LT(difference(step(rule, 0, 2), by_rule(forget, 0.8 * retain) + retain), 1e-12);
}

TEST_F(Gru, GoesOnToTheSameBitsFromItsState) {
  const std::vector<GivenGradients::Micro> all{micros_[0], micros_[1], {micros_[1].forget, -0.5 * micros_[0].retain}};
  GruObjective whole = objective(all), resumed = objective(all);
  step(whole, 0);
  step(whole, 1);
  whole.loss(2);  // an interrupted step changes nothing
  const NamedTensors from = whole.state(), to = resumed.state();
  ASSERT_EQ(from.size(), 3U);  // the inner objective's, and the average of both tensors
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].first, to[i].first);
    to[i].second.copy_(from[i].second);
  }
  EXPECT_TRUE(at::equal(step(whole, 2), step(resumed, 2)));
  EXPECT_EQ(resumed.state()[0].second.item<double>(), 3);
}

}  // namespace
}  // namespace lethe
