// The loss of each position equals the formula over full logits in float64, with any gradient per position, whatever
// the chunk size, and with every part of a head.
#include "nn/row_losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace lethe {
namespace {

constexpr std::int64_t kRows = 11, kVocabulary = 37;

struct RowInputs {
  at::Tensor hidden, weight, bias, targets, factors;
  Head head() const { return {weight, bias, /*scale=*/0.7, /*softcap=*/3.0}; }
  std::vector<at::Tensor> leaves() const { return {hidden, weight, bias}; }
};

RowInputs row_inputs(at::ScalarType type, bool train_head = true) {
  at::manual_seed(5);
  const auto options = at::TensorOptions().dtype(at::kDouble);
  RowInputs in;
  in.hidden = at::randn({kRows, 6}, options).to(type).set_requires_grad(true);
  in.weight = (at::randn({kVocabulary, 6}, options) * 2).to(type).set_requires_grad(train_head);
  in.bias = at::randn({kVocabulary}, options).to(type).set_requires_grad(train_head);
  in.targets = at::randint(kVocabulary, {kRows}, at::kLong);
  in.factors = at::randn({kRows}, options).to(type);  // of any sign: what a formula above the rows passes down
  return in;
}

at::Tensor whole_logits(const RowInputs& in) {
  const at::Tensor raw = at::matmul(in.hidden, in.weight.t()) + in.bias;
  return (raw * 0.7 / 3.0).tanh() * 3.0;
}

at::Tensor whole_cross_entropy(const RowInputs& in) {
  return -whole_logits(in).log_softmax(-1).gather(1, in.targets.unsqueeze(1)).squeeze(1);
}

// Some loss of logits that depends on the row's number.
at::Tensor formula(const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
  const at::Tensor number = at::arange(begin, end, logits.options());
  return logits.softmax(1).square().sum(1) * (1 + number) + logits.amax(1);
}

// What an objective makes of the rows: a function that is not linear in them.
at::Tensor above(const at::Tensor& each, const at::Tensor& factors) {
  return (each * factors).sum().sin() + each.square().mean();
}

class RowLosses : public ::testing::TestWithParam<std::int64_t> {
 protected:
  const ChunkOptions chunk_{GetParam()};

  static void expect_near(const at::Tensor& found, const at::Tensor& wanted, double tolerance) {
    EXPECT_LT((found.to(at::kDouble) - wanted).abs().max().item<double>(), tolerance);
  }
  static void expect_gradients(const at::Tensor& found, const RowInputs& in, const at::Tensor& wanted,
                               const RowInputs& whole, double tolerance) {
    const auto gradients = torch::autograd::grad({found}, in.leaves());
    const auto exact = torch::autograd::grad({wanted}, whole.leaves());
    for (std::size_t i = 0; i < exact.size(); ++i) expect_near(gradients[i], exact[i], tolerance);
  }
};

TEST_P(RowLosses, CrossEntropyOfEachAndItsGradientsAreExact) {
  for (const auto& [type, tolerance] : {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 3e-5)}) {
    const RowInputs whole = row_inputs(at::kDouble), in = row_inputs(type);
    const at::Tensor wanted = whole_cross_entropy(whole);
    const at::Tensor each = cross_entropy_of_each(in.hidden, in.head(), in.targets, chunk_);
    expect_near(each, wanted, tolerance);
    expect_gradients(above(each, in.factors), in, above(wanted, whole.factors), whole, 10 * tolerance);
  }
}

TEST_P(RowLosses, AnyFormulaOfTheLogitsHasItsExactGradients) {
  for (const auto& [type, tolerance] : {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 1e-4)}) {
    const RowInputs whole = row_inputs(at::kDouble), in = row_inputs(type);
    const at::Tensor wanted = formula(whole_logits(whole), 0, kRows);
    const at::Tensor each = loss_of_each(in.hidden, in.head(), formula, chunk_);
    expect_near(each, wanted, tolerance);
    expect_gradients(above(each, in.factors), in, above(wanted, whole.factors), whole, 100 * tolerance);
  }
}

TEST_P(RowLosses, AFrozenHeadGetsNoGradientAndItsLogitsAreComputedOnce) {
  const RowInputs in = row_inputs(at::kDouble, /*train_head=*/false);
  int calls = 0;
  const at::Tensor each = loss_of_each(
      in.hidden, in.head(),
      [&](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        ++calls;
        return formula(logits, begin, end);
      },
      chunk_);
  const int before = calls;
  above(each, in.factors).backward();
  EXPECT_EQ(calls, before);
  EXPECT_TRUE(in.hidden.grad().defined());
  EXPECT_FALSE(in.weight.grad().defined());
}

INSTANTIATE_TEST_SUITE_P(OneRowSeveralAll, RowLosses, testing::Values(1, 4 * kVocabulary, 0));

TEST(RowLossesWithoutRows, GiveNoLossAndZeroGradients) {
  const at::Tensor hidden = at::zeros({0, 6}).requires_grad_(true), weight = at::ones({5, 6}).requires_grad_(true);
  const at::Tensor each = cross_entropy_of_each(hidden, {weight}, at::zeros({0}, at::kLong));
  EXPECT_EQ(each.numel(), 0);
  each.sum().backward();
  EXPECT_EQ(weight.grad().abs().max().item<double>(), 0);
}

TEST(RowLossesWithoutGradients, CallTheFormulaWithoutRecording) {
  const RowInputs in = row_inputs(at::kDouble, false);
  const at::Tensor each =
      loss_of_each(in.hidden.detach(), in.head(), [](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        EXPECT_FALSE(logits.requires_grad());
        return formula(logits, begin, end);
      });
  EXPECT_FALSE(each.requires_grad());
}

}  // namespace
}  // namespace lethe
