// Attacks that change weights without training: each weight against its formula in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "attacks/quantize.h"
#include "attacks/walk.h"
#include "models/loading.h"

namespace lethe {
namespace {

// The value of one weight after rounding, by the formula. @param group  the weights that share its scale
double rounded_by_formula(double weight, const std::vector<float>& group, int bits) {
  double largest = 0;
  for (const float one : group) largest = std::max(largest, std::abs(static_cast<double>(one)));
  const double most = std::pow(2, bits - 1) - 1, scale = largest / most;
  if (scale == 0) return 0;
  return std::nearbyint(weight / scale) * scale;
}

TEST(Rounding, FollowsTheFormula) {
  at::manual_seed(3);
  for (const auto& [bits, group] : {std::pair{8, 0}, {4, 128}, {4, 0}, {2, 5}}) {
    at::Tensor weight = at::randn({3, 150});
    weight[2].zero_();  // a group of zeros
    for (const bool transposed : {false, true}) {
      const at::Tensor given = transposed ? weight.t().contiguous() : weight;
      at::Tensor rounded = round_to_nearest(given, bits, group, transposed);
      ASSERT_EQ(rounded.sizes(), given.sizes());
      if (transposed) rounded = rounded.t();
      for (std::int64_t row = 0; row < 3; ++row) {
        for (std::int64_t column = 0; column < 150; ++column) {
          const std::int64_t width = group == 0 ? 150 : group, begin = column / width * width;
          std::vector<float> shared;
          for (std::int64_t i = begin; i < std::min<std::int64_t>(begin + width, 150); ++i)
            shared.push_back(weight.const_data_ptr<float>()[row * 150 + i]);
          const double wanted = rounded_by_formula(weight[row][column].item<float>(), shared, bits);
          ASSERT_NEAR(rounded[row][column].item<float>(), wanted, 2e-6) << bits << " " << row << " " << column;
        }
      }
    }
  }
}

TEST(Rounding, KeepsTheTypeAndTheLargestWeight) {
  const at::Tensor weight = at::tensor({0.5F, -2.0F, 0.1F, 0.0F}).view({1, 4}).to(at::kBFloat16);
  const at::Tensor rounded = round_to_nearest(weight, 4, 0);
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  EXPECT_EQ(rounded[0][1].item<float>(), -2.0F);
  EXPECT_EQ(rounded[0][3].item<float>(), 0.0F);
}

CausalLM demo_model() {
  return load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"));
}

TEST(Walk, EndsAtBothModelsToTheBitAndGoesOnBeyond) {
  const at::NoGradGuard no_gradient;
  CausalLM original = demo_model();
  const auto changed = [] {
    CausalLM model = demo_model();
    at::manual_seed(4);
    for (const Parameter& parameter : model.parameters())
      parameter.tensor->add_(at::randn_like(*parameter.tensor), 0.1);
    return model;
  };
  CausalLM start = changed();
  for (const double beta : {0.0, 0.3, 0.5, 1.0, 1.5}) {
    CausalLM model = changed();
    walk_towards(model, original, beta);
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      const at::Tensor &walked = *model.parameters()[i].tensor, &u = *start.parameters()[i].tensor,
                       &o = *original.parameters()[i].tensor;
      if (beta == 0) {
        EXPECT_TRUE(at::equal(walked, u));
      }
      if (beta == 1) {
        EXPECT_TRUE(at::equal(walked, o));
      }
      const at::Tensor wanted = u.to(at::kDouble) + beta * (o.to(at::kDouble) - u.to(at::kDouble));
      EXPECT_LT((walked.to(at::kDouble) - wanted).abs().max().item<double>(), 1e-6);
    }
  }
}

}  // namespace
}  // namespace lethe
