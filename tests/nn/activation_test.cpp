// SwiGLU's own forward and backward against the formula in float64.
#include "nn/activation.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

namespace lethe {
namespace {

TEST(SwiGlu, AndItsGradientsAreThoseOfTheFormulaInFloat64) {
  at::manual_seed(3);
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{3, 5}, {70, 515}}) {
    const at::Tensor gate = at::randn(shape, at::kDouble) * 6, up = at::randn(shape, at::kDouble),
                     seed = at::randn(shape, at::kDouble);
    const at::Tensor g64 = gate.to(at::kFloat).to(at::kDouble).requires_grad_(true),
                     u64 = up.to(at::kFloat).to(at::kDouble).requires_grad_(true);
    const at::Tensor wanted = g64 * at::sigmoid(g64) * u64;
    const auto wanted_gradients = torch::autograd::grad({wanted}, {g64, u64}, {seed});
    for (const bool whole : {true, false}) {  // rows by themselves, and rows within wider ones
      const auto given = [&](const at::Tensor& t) {
        at::Tensor to = whole ? at::empty(shape) : at::empty({shape[0], shape[1] + 3}).narrow(1, 1, shape[1]);
        return to.copy_(t).requires_grad_(true);
      };
      const at::Tensor g = given(gate), u = given(up), y = gated(g, u, Activation::silu);
      EXPECT_TRUE(at::allclose(y.to(at::kDouble), wanted, 1e-6, 1e-9));
      EXPECT_TRUE(at::equal(gated_maker(y)(), y));  // for the backward pass, before it
      const auto gradients = torch::autograd::grad({y}, {g, u}, {seed.to(at::kFloat)});
      for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(at::allclose(gradients[i].to(at::kDouble), wanted_gradients[i], 2e-6, 1e-7)) << i;
    }
  }
}

TEST(SwiGlu, IsRightFarFromZeroAndKeepsWhatIsNoNumber) {
  const at::Tensor gate = at::tensor({-1e30, -200.0, -87.5, -40.0, 40.0, 87.5, 200.0, 1e30}, at::kFloat);
  const at::Tensor y = gated(gate, at::ones_like(gate), Activation::silu);
  EXPECT_TRUE(at::allclose(y.slice(0, 1), at::silu(gate).slice(0, 1), 1e-6, 1e-34));
  EXPECT_LT(std::abs(y[0].item<float>()), 1e-6);
  const at::Tensor none = at::full({20}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(gated(none, at::ones_like(none), Activation::silu).isnan().all().item<bool>());
}

}  // namespace
}  // namespace lethe
