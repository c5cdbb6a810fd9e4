// Attention over padded rows equals the plain formula, segment by segment, with gradients, in few launches.
#include "nn/padded_attention.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace lethe {
namespace {

// Prompts with continuations, long and short rows, an empty segment.
std::vector<Segment> mixed() {
  return {{0, 5, -1, 12},  {5, 8, 0, 8},     {8, 15, 0, 12},  {15, 16, 0, 6}, {16, 20, -1, 4},
          {20, 20, -1, 0}, {20, 61, -1, 41}, {61, 62, -1, 1}, {62, 70, 6, 49}};
}

TEST(PaddedAttention, IsThePlainFormulaForwardAndBackward) {
  at::manual_seed(4);
  const std::vector<Segment> rows{{0, 5, -1, 5}, {5, 6, -1, 1}, {6, 13, -1, 7}};
  for (const AttentionOptions& options :
       {AttentionOptions{.scale = 0.3}, AttentionOptions{.scale = 0.3, .window = 3},
        AttentionOptions{.scale = 0.3, .softcap = 2.0}, AttentionOptions{.scale = 0.3, .window = 6, .softcap = 0.5},
        AttentionOptions{.scale = 0.3, .causal = false},
        AttentionOptions{.scale = 0.3, .softcap = 2, .causal = false}}) {
    const std::vector<Segment> segments = options.causal ? mixed() : rows;
    const std::int64_t tokens = segments.back().end;
    for (const std::int64_t groups : {4, 2, 1}) {
      std::vector<at::Tensor> leaves;
      for (const std::int64_t heads : {std::int64_t{4}, groups, groups})
        leaves.push_back(at::randn({tokens, heads, 8}, at::kDouble).requires_grad_(true));
      const at::Tensor arriving = at::randn({tokens, 4, 8}, at::kDouble);
      PaddedAttention attention(segments, at::kCPU);
      const at::Tensor found = attention.attend(leaves[0], leaves[1], leaves[2], options);
      const at::Tensor wanted = reference_attention(leaves[0], leaves[1], leaves[2], segments, options);
      EXPECT_LT((found - wanted).abs().max().item<double>(), 1e-12);
      const auto found_gradients = torch::autograd::grad({found}, leaves, {arriving});
      const auto wanted_gradients = torch::autograd::grad({wanted}, leaves, {arriving});
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_LT((found_gradients[i] - wanted_gradients[i]).abs().max().item<double>(), 1e-12)
            << "window " << options.window << ", cap " << options.softcap << ", causal " << options.causal << ", " << i;
    }
  }
}

TEST(PaddedAttention, OfManyRowsNeedsFewGroups) {
  std::vector<Segment> segments;
  std::int64_t end = 0;
  for (int row = 0; row < 500; ++row) {
    const std::int64_t size = 1 + row % 120;
    segments.push_back({end, end + size, -1, size});
    end += size;
  }
  EXPECT_LE(PaddedAttention(segments, at::kCPU).groups(), 8U);
}

TEST(PaddedAttention, WaitsForNothingOnItsDevice) {
  const auto values = [](std::int64_t heads) { return at::empty({70, heads, 8}, at::TensorOptions(at::kMeta)); };
  PaddedAttention attention(mixed(), at::kMeta);
  const at::Tensor out = attention.attend(values(4), values(2), values(2), {.window = 3, .softcap = 2});
  EXPECT_EQ(out.sizes(), (std::vector<std::int64_t>{70, 4, 8}));
}

}  // namespace
}  // namespace lethe
