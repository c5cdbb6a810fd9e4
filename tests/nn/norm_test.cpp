// RMSNorm's own backward against the engine's formula in float64.
#include "nn/norm.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace lethe {
namespace {

TEST(RmsNorm, AndItsGradientsAreThoseOfTheFormulaInFloat64) {
  at::manual_seed(2);
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{7, 24}, {5, 3, 24}, {200, 517}}) {
    const at::Tensor x = at::randn(shape, at::kDouble) * 3, weight = at::randn({shape.back()}, at::kDouble),
                     seed = at::randn(shape, at::kDouble);
    const double epsilon = 0.01;
    const at::Tensor x64 = x.clone().requires_grad_(true), w64 = weight.clone().requires_grad_(true);
    const at::Tensor wanted = x64 * (x64.square().mean(-1, true) + epsilon).rsqrt() * w64;
    const auto wanted_gradients = torch::autograd::grad({wanted}, {x64, w64}, {seed});
    for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
      Norm norm;
      norm.epsilon = epsilon;
      norm.weight = weight.to(type).requires_grad_(true);
      const at::Tensor given = x.to(type).requires_grad_(true);
      const at::Tensor y = norm.forward(given);
      const double tolerance = type == at::kDouble ? 1e-12 : 2e-5;
      EXPECT_TRUE(at::allclose(y.to(at::kDouble), wanted, tolerance, tolerance));
      const auto gradients = torch::autograd::grad({y}, {given, norm.weight}, {seed.to(type)});
      for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(at::allclose(gradients[i].to(at::kDouble), wanted_gradients[i], tolerance, tolerance)) << i;
    }
  }
}

TEST(RmsNorm, OfRowsThatAreNotContiguousIsTheSame) {
  const at::Tensor x = at::randn({24, 90}).t();
  Norm norm;
  norm.weight = at::randn({24});
  EXPECT_TRUE(at::allclose(norm.forward(x), norm.forward(x.contiguous()), 1e-6, 1e-6));
}

TEST(RmsNorm, WithAFrozenWeightStillLeadsBackToItsInput) {
  Norm norm;
  norm.weight = at::ones({8});
  const at::Tensor x = at::randn({3, 8}).requires_grad_(true);
  norm.forward(x).square().sum().backward();
  EXPECT_GT(x.grad().abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lethe
