// The GPU's attention with a stand-in for the engine's kernel that computes on the CPU and refuses what the kernel
// refuses: the plan of rows, the joining of the parts and all gradients against the plain formula.
#include "nn/flash_attention.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "meta_kernels.h"
#include "nn/attention.h"
#include "nn/packed_attention.h"

namespace lethe {
namespace {

// FlashAttention's requirements for the arguments of mha_varlen_fwd.
void expect_taken(const at::Tensor& q, const at::Tensor& k, const PackedRows& rows) {
  for (const auto& [ends, tokens, most] :
       {std::tuple{rows.queries, q.size(0), rows.most_queries}, std::tuple{rows.keys, k.size(0), rows.most_keys}}) {
    ASSERT_EQ(ends.scalar_type(), at::kInt);
    ASSERT_TRUE(ends.is_contiguous());
    ASSERT_GT(ends.numel(), 1);
    const int* end = ends.const_data_ptr<int>();
    ASSERT_EQ(end[0], 0);
    ASSERT_EQ(end[ends.numel() - 1], tokens);
    std::int64_t longest = 0;
    for (std::int64_t i = 1; i < ends.numel(); ++i) {
      ASSERT_GT(end[i], end[i - 1]) << "a row without tokens";
      longest = std::max<std::int64_t>(longest, end[i] - end[i - 1]);
    }
    ASSERT_GE(most, longest);
    ASSERT_LE(most, std::max<std::int64_t>(longest, 2));  // never 1, for which the kernel has another path
  }
  ASSERT_EQ(rows.queries.numel(), rows.keys.numel());
}

at::Tensor rows_of(const at::Tensor& t, const at::Tensor& ends, std::int64_t i) {
  const int* end = ends.const_data_ptr<int>();
  return t.slice(0, end[i], end[i + 1]);
}

at::Tensor heads_first(const at::Tensor& t) {
  return t.transpose(0, 1).unsqueeze(0);
}

const FlashKernel& stand_in() {
  static const FlashKernel kernel{
      .forward =
          [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const PackedRows& rows, bool causal,
             double scale) {
            expect_taken(q, k, rows);
            at::Tensor out = at::empty_like(q), lse = at::empty({q.size(1), q.size(0)}, at::kFloat);
            for (std::int64_t i = 0; i + 1 < rows.queries.numel(); ++i) {
              const auto [o, l] = at::_scaled_dot_product_flash_attention_for_cpu(
                  heads_first(rows_of(q, rows.queries, i)), heads_first(rows_of(k, rows.keys, i)),
                  heads_first(rows_of(v, rows.keys, i)), 0.0, causal, {}, scale);
              rows_of(out, rows.queries, i).copy_(o[0].transpose(0, 1));
              rows_of(lse.t(), rows.queries, i).copy_(l[0].t());
            }
            return std::pair{out, lse};
          },
      .backward =
          [](const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
             const at::Tensor& out, const at::Tensor& lse, const PackedRows& rows, bool causal, double scale) {
            expect_taken(q, k, rows);
            EXPECT_TRUE(gradient.is_contiguous() && out.is_contiguous() && lse.is_contiguous());
            at::Tensor grad_q = at::empty_like(q), grad_k = at::empty_like(k), grad_v = at::empty_like(v);
            for (std::int64_t i = 0; i + 1 < rows.queries.numel(); ++i) {
              const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
                  heads_first(rows_of(gradient, rows.queries, i)), heads_first(rows_of(q, rows.queries, i)),
                  heads_first(rows_of(k, rows.keys, i)), heads_first(rows_of(v, rows.keys, i)),
                  heads_first(rows_of(out, rows.queries, i)),
                  rows_of(lse.t(), rows.queries, i).t().unsqueeze(0).contiguous(), 0.0, causal, {}, scale);
              rows_of(grad_q, rows.queries, i).copy_(dq[0].transpose(0, 1));
              rows_of(grad_k, rows.keys, i).copy_(dk[0].transpose(0, 1));
              rows_of(grad_v, rows.keys, i).copy_(dv[0].transpose(0, 1));
            }
            return std::tuple{grad_q, grad_k, grad_v};
          }};
  return kernel;
}

struct FlashCase {
  std::string name;
  std::vector<Segment> segments;
  bool causal = true;
};

void PrintTo(const FlashCase& item, std::ostream* out) {
  *out << item.name;
}

class FlashAttentionOf : public testing::TestWithParam<FlashCase> {};

TEST_P(FlashAttentionOf, IsThePlainFormulaForwardAndBackward) {
  const FlashCase& item = GetParam();
  at::manual_seed(3);
  const std::int64_t tokens = item.segments.back().end;
  for (const std::int64_t groups : {4, 2, 1}) {
    const auto values = [&](std::int64_t heads) { return at::randn({tokens, heads, 16}, at::kDouble); };
    const std::vector<at::Tensor> given{values(4), values(groups), values(groups)};
    const at::Tensor arriving = values(4);
    const auto leaves = [&](at::ScalarType type) {
      std::vector<at::Tensor> result;
      for (const at::Tensor& t : given) result.push_back(t.to(type).clone().requires_grad_(true));
      return result;
    };
    const auto plain = leaves(at::kDouble), fast = leaves(at::kFloat);
    const at::Tensor wanted =
        reference_attention(plain[0], plain[1], plain[2], item.segments, {.scale = 0.3, .causal = item.causal});
    const at::Tensor found =
        flash_attention(fast[0], fast[1], fast[2], FlashPlan(item.segments, at::kCPU), 0.3, item.causal, stand_in());
    EXPECT_LT((found.to(at::kDouble) - wanted).abs().max().item<double>(), 2e-6);
    const auto wanted_gradients = torch::autograd::grad({wanted}, plain, {arriving});
    const auto found_gradients = torch::autograd::grad({found}, fast, {arriving.to(at::kFloat)});
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_LT((found_gradients[i].to(at::kDouble) - wanted_gradients[i]).abs().max().item<double>(), 1e-5) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Packs, FlashAttentionOf,
    testing::Values(
        FlashCase{"one row", {{0, 9, -1, 9}}},
        FlashCase{"rows of one token", {{0, 1, -1, 1}, {1, 2, -1, 1}, {2, 3, -1, 1}}},
        FlashCase{"a shared prompt", {{0, 5, -1, 12}, {5, 8, 0, 8}, {8, 15, 0, 12}, {15, 16, 0, 6}}},
        FlashCase{"two shared prompts and a row",
                  {{0, 5, -1, 8}, {5, 8, 0, 8}, {8, 15, -1, 17}, {15, 16, 2, 8}, {16, 26, 2, 17}, {26, 30, -1, 4}}},
        FlashCase{"continuations apart", {{0, 4, -1, 7}, {4, 7, 0, 7}, {7, 9, -1, 2}, {9, 11, 0, 6}}},
        FlashCase{"empty segments", {{0, 0, -1, 3}, {0, 3, 0, 3}, {3, 7, -1, 6}, {7, 7, 2, 4}, {7, 9, 2, 6}}},
        FlashCase{"both directions", {{0, 5, -1, 5}, {5, 12, -1, 7}}, false}));

TEST(FlashAttention, IsHeldToThePlainFormulaWhereItIsFirstUsedEvenWithinDecoding) {
  const c10::InferenceMode as_decoding_has_it;
  EXPECT_TRUE(flash_attention_agrees(at::kCPU, at::kFloat, 16, stand_in()));
  EXPECT_TRUE(flash_attention_agrees(at::kCPU, at::kBFloat16, 64, stand_in()));
  FlashKernel wrong = stand_in();
  wrong.backward = [](const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const at::Tensor& out, const at::Tensor& lse, const PackedRows& rows, bool causal, double scale) {
    auto [grad_q, grad_k, grad_v] = stand_in().backward(gradient, q, k, v, out, lse, rows, causal, scale);
    return std::tuple{grad_q, grad_k.mul(1.1), grad_v};
  };
  EXPECT_FALSE(flash_attention_agrees(at::kCPU, at::kFloat, 16, wrong));
}

TEST(FlashAttention, WaitsForNothingOnItsDevice) {
  // Tensors on the meta device have no values: reading one throws.
  const FlashKernel shapes{
      .forward =
          [](const at::Tensor& q, const at::Tensor&, const at::Tensor&, const PackedRows&, bool, double) {
            return std::pair{at::empty_like(q), at::empty({q.size(1), q.size(0)}, q.options())};
          },
      .backward =
          [](const at::Tensor&, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor&,
             const at::Tensor&, const PackedRows&, bool, double) {
            return std::tuple{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
          }};
  const std::vector<Segment> segments{{0, 5, -1, 12}, {5, 8, 0, 8}, {8, 15, 0, 12}};
  std::vector<at::Tensor> leaves;
  for (const std::int64_t heads : {4, 2, 2})
    leaves.push_back(
        at::empty({15, heads, 16}, at::TensorOptions(at::kMeta).dtype(at::kBFloat16)).requires_grad_(true));
  const at::Tensor out =
      flash_attention(leaves[0], leaves[1], leaves[2], FlashPlan(segments, at::kMeta), 0.3, true, shapes);
  const auto gradients = torch::autograd::grad({out.sum()}, leaves);
  EXPECT_EQ(gradients[1].sizes(), leaves[1].sizes());
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
}

TEST(FlashAttention, IsNotUsedOnACpuNorForFloat32) {
  EXPECT_FALSE(flash_attention_takes(at::empty({3, 2, 16})));
  EXPECT_FALSE(flash_attention_takes(at::empty({3, 2, 16}, at::kBFloat16)));
}

}  // namespace
}  // namespace lethe
