// The chunked losses equal the formulas over full logits in float64, gradients included, whatever the chunk size.
#include "nn/token_losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace lethe {
namespace {

struct Inputs {
  at::Tensor hidden, weight, targets, each, reference_hidden, reference_weight;
};

Inputs make(at::ScalarType type, bool train_head, std::int64_t vocabulary = 37) {
  at::manual_seed(3);
  const auto options = at::TensorOptions().dtype(at::kDouble);
  Inputs in;
  in.hidden = at::randn({11, 6}, options).to(type).set_requires_grad(true);
  in.weight = (at::randn({vocabulary, 6}, options) * 2).to(type).set_requires_grad(train_head);
  in.targets = at::randint(vocabulary, {11}, at::kLong);
  in.each = at::rand({11}, options).to(type);
  in.reference_hidden = at::randn({11, 6}, options).to(type);
  in.reference_weight = (at::randn({vocabulary, 6}, options) * 2).to(type);
  return in;
}

at::Tensor log_p(const at::Tensor& hidden, const at::Tensor& weight) {
  return at::matmul(hidden, weight.t()).log_softmax(-1);
}

struct Sizes {
  std::int64_t chunk, vocabulary = 37;
  at::ScalarType type = at::kFloat;
};

class Chunks : public ::testing::TestWithParam<Sizes> {
 protected:
  const std::int64_t vocabulary_ = GetParam().vocabulary;
  const ChunkOptions chunk_{GetParam().chunk};
  const at::ScalarType type_ = GetParam().type;
};

TEST_P(Chunks, CrossEntropyAndItsGradientsAreExact) {
  const Inputs wanted = make(at::kDouble, true, vocabulary_), in = make(type_, true, vocabulary_);
  const at::Tensor nll = -log_p(wanted.hidden, wanted.weight).gather(1, wanted.targets.unsqueeze(1)).squeeze(1);
  const auto wanted_gradients = torch::autograd::grad({(nll * wanted.each).sum()}, {wanted.hidden, wanted.weight});
  const auto loss = cross_entropy(in.hidden, {in.weight}, in.targets, in.each, chunk_);
  EXPECT_LT((loss.each.to(at::kDouble) - nll).abs().max().item<double>(), 1e-5);
  const auto gradients = torch::autograd::grad({loss.total * 3.0}, {in.hidden, in.weight});
  for (int i = 0; i < 2; ++i) {
    EXPECT_LT((gradients[i].to(at::kDouble) - 3.0 * wanted_gradients[i]).abs().max().item<double>(), 2e-5);
  }
}

TEST_P(Chunks, DivergenceIsKlOfOriginalToCurrentAndItsGradientsAreExact) {
  const Inputs wanted = make(at::kDouble, true, vocabulary_), in = make(type_, true, vocabulary_);
  const at::Tensor p = log_p(wanted.reference_hidden, wanted.reference_weight), q = log_p(wanted.hidden, wanted.weight);
  const at::Tensor kl = (p.exp() * (p - q)).sum(-1);
  const auto wanted_gradients = torch::autograd::grad({(kl * wanted.each).sum()}, {wanted.hidden, wanted.weight});
  const auto loss = kl_divergence(in.hidden, {in.weight}, in.reference_hidden, {in.reference_weight}, in.each, chunk_);
  EXPECT_LT((loss.each.to(at::kDouble) - kl).abs().max().item<double>(), 2e-5);
  const auto gradients = torch::autograd::grad({-loss.total}, {in.hidden, in.weight});
  for (int i = 0; i < 2; ++i) {
    EXPECT_LT((gradients[i].to(at::kDouble) + wanted_gradients[i]).abs().max().item<double>(), 2e-5);
  }
}

TEST_P(Chunks, JoinedLossesAndTheirGradientsAreTheSumsOfEach) {
  const auto together = [](const Inputs& in, const ChunkOptions& options) {
    const LossPart entropy{.end = 4, .weights = in.each.slice(0, 0, 4), .targets = in.targets.slice(0, 0, 4)};
    const LossPart divergence{.begin = 4,
                              .end = 11,
                              .weights = -in.each.slice(0, 4),
                              .reference_hidden = in.reference_hidden.slice(0, 4),
                              .reference_head = {in.reference_weight}};
    return joint_loss(in.hidden, {in.weight}, {entropy, divergence}, options);
  };
  const Inputs wanted = make(at::kDouble, true, vocabulary_), in = make(type_, true, vocabulary_);
  const at::Tensor nll = -log_p(wanted.hidden, wanted.weight).gather(1, wanted.targets.unsqueeze(1)).squeeze(1);
  const at::Tensor p = log_p(wanted.reference_hidden, wanted.reference_weight), q = log_p(wanted.hidden, wanted.weight);
  const at::Tensor kl = (p.exp() * (p - q)).sum(-1);
  const at::Tensor total = (nll * wanted.each).slice(0, 0, 4).sum() - (kl * wanted.each).slice(0, 4).sum();
  const auto wanted_gradients = torch::autograd::grad({total}, {wanted.hidden, wanted.weight});
  const JointLoss loss = together(in, chunk_);
  EXPECT_NEAR(loss.total.item<double>(), total.item<double>(), 1e-4);
  EXPECT_LT((loss.each[1].to(at::kDouble) - kl.slice(0, 4)).abs().max().item<double>(), 2e-5);
  const auto gradients = torch::autograd::grad({loss.total}, {in.hidden, in.weight});
  for (int i = 0; i < 2; ++i) {
    EXPECT_LT((gradients[i].to(at::kDouble) - wanted_gradients[i]).abs().max().item<double>(), 2e-5);
  }
}

// The chunks of the last loss, five positions each, are computed in strips of two.
INSTANTIATE_TEST_SUITE_P(Sizes, Chunks,
                         ::testing::Values(Sizes{1}, Sizes{37 * 3}, Sizes{0},
                                           Sizes{5 * 100'000, 100'000, at::kDouble}));

TEST(TokenLosses, LeaveAFrozenHeadWithoutGradient) {
  const Inputs in = make(at::kFloat, false);
  const auto loss = cross_entropy(in.hidden, {in.weight}, in.targets, in.each);
  loss.total.backward();
  EXPECT_TRUE(in.hidden.grad().defined());
  EXPECT_FALSE(in.weight.grad().defined());
}

TEST(TokenLosses, StayFiniteWhereTheCurrentModelGivesNoChance) {  // log Q without an epsilon would be −∞
  const at::Tensor reference = at::tensor({40.0f, -40.0f}).view({1, 2}), current = -reference;
  const at::Tensor identity = at::eye(2) * 10;
  const auto loss = kl_divergence(current, {identity}, reference, {identity}, at::ones({1}));
  EXPECT_NEAR(loss.each.item<double>(), 800.0, 1.0);
}

TEST(TokenLosses, ScoreWhatLogSoftmaxScores) {
  const Inputs in = make(at::kDouble, false);
  const at::Tensor wanted = log_p(in.hidden, in.weight).gather(1, in.targets.unsqueeze(1)).squeeze(1);
  EXPECT_LT(
      (log_probabilities(in.hidden, {in.weight}, in.targets, {64}).to(at::kDouble) - wanted).abs().max().item<double>(),
      1e-6);
}

}  // namespace
}  // namespace lethe
