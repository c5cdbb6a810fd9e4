// Packed attention with shared prompts equals the plain formula on rows laid out one by one, gradients included.
#include "nn/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "nn/fused_attention.h"
#include "nn/packed_attention.h"

namespace lethe {
namespace {

struct Case {
  std::int64_t heads, kv_heads;
};

class SharedPrompt : public ::testing::TestWithParam<Case> {};

/// softmax(q·kᵀ/√d)·v of one row in float64, written out.
at::Tensor plain_row(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  const auto repeat = q.size(1) / k.size(1);
  const at::Tensor keys = k.repeat_interleave(repeat, 1).transpose(0, 1),
                   values = v.repeat_interleave(repeat, 1).transpose(0, 1);
  const auto n = q.size(0);
  at::Tensor scores = at::matmul(q.transpose(0, 1), keys.transpose(1, 2)) * scale;
  const at::Tensor mask = at::ones({n, n}, at::kBool).triu(1);
  scores = scores.masked_fill(mask, -INFINITY);
  return at::matmul(scores.softmax(-1), values).transpose(0, 1);
}

TEST_P(SharedPrompt, EqualsRowsWithoutSharingForwardAndBackward) {
  const auto [heads, kv_heads] = GetParam();
  at::manual_seed(1);
  // A prompt of 5 with continuations of 3, 7 and 1 tokens, then a row of 4 of its own.
  const std::vector<Segment> segments{{0, 5, -1, 12}, {5, 8, 0, 8}, {8, 15, 0, 12}, {15, 16, 0, 6}, {16, 20, -1, 4}};
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor q = at::randn({20, heads, 8}, options), k = at::randn({20, kv_heads, 8}, options),
                   v = at::randn({20, kv_heads, 8}, options), wanted_grad = at::randn({20, heads, 8}, options);
  const double scale = 0.4;

  const auto leaf = [](const at::Tensor& t, at::ScalarType type) { return t.to(type).clone().set_requires_grad(true); };
  // The oracle: every row alone, the prompt's outputs taken from the first row.
  const at::Tensor oq = leaf(q, at::kDouble), ok = leaf(k, at::kDouble), ov = leaf(v, at::kDouble);
  std::vector<at::Tensor> parts;
  const auto row = [&](const at::Tensor& t, const Segment& s) {
    return s.prefix < 0 ? t.slice(0, s.begin, s.end) : at::cat({t.slice(0, 0, 5), t.slice(0, s.begin, s.end)});
  };
  for (const auto& s : segments) {
    const at::Tensor out = plain_row(row(oq, s), row(ok, s), row(ov, s), scale);
    parts.push_back(out.slice(0, out.size(0) - s.size()));
  }
  const at::Tensor wanted = at::cat(parts);
  const auto wanted_gradients = torch::autograd::grad({(wanted * wanted_grad).sum()}, {oq, ok, ov});

  for (const bool fused : {false, true}) {
    const at::Tensor fq = leaf(q, at::kFloat), fk = leaf(k, at::kFloat), fv = leaf(v, at::kFloat);
    const at::Tensor out = fused ? fused_attention(fq, fk, fv, segments, scale)
                                 : reference_attention(fq, fk, fv, segments, {.scale = scale});
    EXPECT_LT((out.to(at::kDouble) - wanted).abs().max().item<double>(), 2e-6) << "fused " << fused;
    const auto gradients = torch::autograd::grad({(out * wanted_grad.to(at::kFloat)).sum()}, {fq, fk, fv});
    for (int i = 0; i < 3; ++i) {
      EXPECT_LT((gradients[i].to(at::kDouble) - wanted_gradients[i]).abs().max().item<double>(), 1e-5)
          << "fused " << fused << ", gradient " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Heads, SharedPrompt, ::testing::Values(Case{4, 4}, Case{4, 2}, Case{6, 1}));

TEST(PackedAttention, TakesTheRightPathForGroupedHeadsAndWindows) {
  at::manual_seed(2);
  PackBuilder pack;
  const int prompt = pack.add({1, 2, 3});
  pack.add({4, 5, 6, 7}, prompt);
  pack.add({8}, prompt);
  const PackedBatch batch = pack.build();
  const at::Tensor q = at::randn({8, 4, 16}), k = at::randn({8, 2, 16}), v = at::randn({8, 2, 16});
  PackedAttention attention(batch);
  for (const std::int64_t window : {0, 2}) {
    const AttentionOptions options{.scale = 0.25, .window = window};
    EXPECT_LT((attention.attend(0, q, k, v, options) - reference_attention(q, k, v, batch.segments, options))
                  .abs()
                  .max()
                  .item<double>(),
              1e-5);
  }
}

TEST(BothDirections, EqualTheirPlainFormulaRowByRowForwardAndBackward) {
  at::manual_seed(3);
  const std::vector<Segment> segments{{0, 5, -1, 5}, {5, 6, -1, 1}, {6, 13, -1, 7}};
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor inputs = at::randn({3, 13, 2, 8}, options), wanted_grad = at::randn({13, 2, 8}, options);
  const auto row = [](const at::Tensor& t, const Segment& s) { return t.slice(0, s.begin, s.end).transpose(0, 1); };
  const at::Tensor oracle = inputs.clone().set_requires_grad(true);
  std::vector<at::Tensor> parts;
  for (const auto& s : segments) {
    const at::Tensor scores = at::matmul(row(oracle[0], s), row(oracle[1], s).transpose(1, 2)) * 0.4;
    parts.push_back(at::matmul(scores.softmax(-1), row(oracle[2], s)).transpose(0, 1));
  }
  const at::Tensor wanted = at::cat(parts);
  const auto wanted_gradient = torch::autograd::grad({(wanted * wanted_grad).sum()}, {oracle})[0];
  for (const bool fused : {false, true}) {
    const at::Tensor x = inputs.to(at::kFloat).set_requires_grad(true);
    const at::Tensor out = fused ? fused_attention(x[0], x[1], x[2], segments, 0.4, false)
                                 : reference_attention(x[0], x[1], x[2], segments, {.scale = 0.4, .causal = false});
    EXPECT_LT((out.to(at::kDouble) - wanted).abs().max().item<double>(), 2e-6) << "fused " << fused;
    const auto gradient = torch::autograd::grad({(out * wanted_grad.to(at::kFloat)).sum()}, {x})[0];
    EXPECT_LT((gradient.to(at::kDouble) - wanted_gradient).abs().max().item<double>(), 1e-5) << "fused " << fused;
  }
}

TEST(PackBuilder, CountsPositionsOnFromThePrompt) {
  PackBuilder pack;
  const int prompt = pack.add({7, 8});
  pack.add({9, 10}, prompt);
  pack.add({11}, prompt);
  const auto batch = pack.build();
  EXPECT_TRUE(batch.positions.equal(at::tensor({0, 1, 2, 3, 2}, at::kLong)));
  EXPECT_EQ(batch.segments[0].row_length, 4);
  EXPECT_EQ(batch.segments[2].row_length, 3);
}

}  // namespace
}  // namespace lethe
