// The losses over logits and inner states, and their gradients, equal PyTorch's (float64): the fixture of
// tools/fixtures/logit_objectives.py.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>
#include <functional>

#include "core/json.h"
#include "objectives/ce_u.h"
#include "objectives/circuit_breakers.h"
#include "objectives/flat.h"
#include "objectives/ihl.h"
#include "objectives/jensun.h"
#include "objectives/pdu.h"
#include "objectives/responses.h"
#include "objectives/rmu.h"
#include "objectives/undial.h"

namespace lethe {
namespace {

at::Tensor tensor_of(const Json& numbers, at::ScalarType type = at::kDouble) {
  if (numbers.front().is_array()) {
    std::vector<at::Tensor> rows;
    for (const Json& row : numbers) rows.push_back(tensor_of(row, type));
    return at::stack(rows);
  }
  return type == at::kLong ? at::tensor(numbers.get<std::vector<std::int64_t>>(), at::kLong)
                           : at::tensor(numbers.get<std::vector<double>>(), at::kDouble);
}

class LogitFormulas : public testing::Test {
 protected:
  at::Tensor input(const std::string& name) const { return tensor_of(fixture_[name]); }
  at::Tensor tokens(const std::string& name) const { return tensor_of(fixture_[name], at::kLong); }

  // `formula` is called with a leaf that holds `input`.
  void expect_each(const std::string& name, const std::string& leaf,
                   const std::function<at::Tensor(const at::Tensor&)>& formula) const {
    const at::Tensor x = input(leaf).requires_grad_(true);
    const at::Tensor each = formula(x);
    EXPECT_LT((each - tensor_of(fixture_[name]["each"])).abs().max().item<double>(), 1e-12) << name;
    const at::Tensor gradient = torch::autograd::grad({(each * input("weights")).sum()}, {x})[0];
    EXPECT_LT((gradient - tensor_of(fixture_[name]["gradient"])).abs().max().item<double>(), 1e-12) << name;
  }
  void expect_total(const std::string& name, const std::vector<std::string>& leaves,
                    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& formula) const {
    std::vector<at::Tensor> inputs;
    for (const std::string& leaf : leaves) inputs.push_back(input(leaf).requires_grad_(true));
    const at::Tensor total = formula(inputs);
    EXPECT_NEAR(total.item<double>(), fixture_[name]["total"].get<double>(), 1e-12) << name;
    const auto gradients = torch::autograd::grad({total}, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LT((gradients[i] - tensor_of(fixture_[name]["gradients"][i])).abs().max().item<double>(), 1e-12)
          << name << " " << leaves[i];
    }
  }
  const Json fixture_ = read_json(std::filesystem::path(LETHE_FIXTURES) / "objectives" / "logits.json");
};

TEST_F(LogitFormulas, UndialDistilsTheOriginalWithTheHarmfulLogitLowered) {
  const double beta = fixture_["beta"].get<double>();
  expect_each("undial", "logits",
              [&](const at::Tensor& z) { return undial_of_each(z, input("reference"), tokens("targets"), beta); });
}

TEST_F(LogitFormulas, CeUDistilsTheModelItselfWithoutTheHarmfulToken) {
  expect_each("ce_u", "logits", [&](const at::Tensor& z) { return ce_u_of_each(z, tokens("targets")); });
}

TEST_F(LogitFormulas, TheInvertedHingeComparesTheHarmfulTokenWithTheBestOther) {
  expect_each("ihl", "logits", [&](const at::Tensor& z) { return inverted_hinge_of_each(z, tokens("targets")); });
}

TEST_F(LogitFormulas, PduFlattensLogits) {
  expect_each("flattening", "logits", [](const at::Tensor& z) { return flattening_loss(z); });
}

TEST_F(LogitFormulas, JensUnIsTheDivergenceToARefusalAndToTheOriginal) {
  expect_each("to_refusal", "logits", [&](const at::Tensor& z) { return divergence_to_tokens(z, tokens("refusal")); });
  expect_each("to_reference", "logits",
              [&](const at::Tensor& z) { return divergence_to_reference(z, input("reference")); });
}

TEST_F(LogitFormulas, JensUnStaysWithinItsBoundsAtCertainAndImpossibleTokens) {
  const at::Tensor logits = at::tensor({200.0f, -200.0f}).view({1, 2}).requires_grad_(true);
  const at::Tensor sure = divergence_to_tokens(logits, at::tensor({0}, at::kLong)),
                   never = divergence_to_tokens(logits, at::tensor({1}, at::kLong));
  EXPECT_NEAR(sure.item<double>(), 0, 1e-6);
  EXPECT_NEAR(never.item<double>(), std::log(2), 1e-6);
  EXPECT_NEAR(divergence_to_reference(logits, -logits.detach()).item<double>(), std::log(2), 1e-6);
  EXPECT_TRUE(torch::autograd::grad({(sure + never).sum()}, {logits})[0].isfinite().all().item<bool>());
}

TEST_F(LogitFormulas, FlatComparesMeanProbabilitiesOfResponses) {
  std::vector<ResponseSpan> spans;
  for (const Json& span : fixture_["responses"])
    spans.push_back({span[0].get<std::int64_t>(), span[1].get<std::int64_t>()});
  const auto mean = [&](const at::Tensor& logits, const at::Tensor& targets) {
    return mean_over_examples(logits.softmax(1).gather(1, targets.unsqueeze(1)).squeeze(1), spans);
  };
  expect_total("flat", {"logits", "refusing"}, [&](const std::vector<at::Tensor>& z) {
    return total_variation_loss(mean(z[1], tokens("refusal")), mean(z[0], tokens("targets")));
  });
}

TEST_F(LogitFormulas, RmuTakesTheMeanSquareOverCoordinates) {
  const at::Tensor target = fixture_["c"].get<double>() * input("vector");
  expect_each("rmu_forget", "state", [&](const at::Tensor& h) { return steering_loss(h, target); });
  expect_each("rmu_retain", "state", [&](const at::Tensor& h) { return steering_loss(h, input("state_reference")); });
}

TEST_F(LogitFormulas, TheControlVectorHasItsLengthAndNoNegativeCoordinate) {
  const at::Tensor vector = control_vector(64, 20, 8888);
  EXPECT_NEAR(vector.norm().item<double>(), 20, 1e-4);
  EXPECT_GE(vector.min().item<double>(), 0);
  EXPECT_GT(vector.std().item<double>(), 0.5);
  EXPECT_TRUE(at::equal(vector, control_vector(64, 20, 8888)));
  EXPECT_FALSE(at::equal(vector, control_vector(64, 20, 8889)));
}

TEST_F(LogitFormulas, CircuitBreakersTurnHarmfulStatesAndHoldNormalOnes) {
  expect_total("rerouting", {"layers"},
               [&](const std::vector<at::Tensor>& h) { return rerouting_loss(h[0], input("layers_reference")); });
  expect_total("keeping", {"layers"},
               [&](const std::vector<at::Tensor>& h) { return drift_loss(h[0], input("layers_reference")); });
}

TEST_F(LogitFormulas, StatesThatDidNotMoveGiveNoGradientAndNoNan) {
  const at::Tensor states = input("layers").requires_grad_(true);
  const at::Tensor gradient = torch::autograd::grad({drift_loss(states, input("layers"))}, {states})[0];
  EXPECT_EQ(gradient.abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lethe
