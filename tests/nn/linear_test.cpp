// A linear map with adapters against float64.
#include "nn/linear.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(LinearWithAdapters, IsTheFormulaOfFloat64AlsoOnABaseOf16Bits) {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    Linear linear;
    linear.weight = at::randn({24, 40}).to(type);
    at::Tensor x = at::randn({9, 40}).to(type), wanted = at::mm(x.to(at::kDouble), linear.weight.to(at::kDouble).t());
    for (const double scale : {0.5, 2.0}) {
      const LoraPair pair{at::randn({3, 40}).requires_grad_(true), at::randn({24, 3}).requires_grad_(true), scale};
      wanted = wanted + scale * at::mm(at::mm(x.to(at::kDouble), pair.a.detach().to(at::kDouble).t()),
                                       pair.b.detach().to(at::kDouble).t());
      linear.adapters.push_back(pair);
    }
    const at::Tensor y = linear.forward(x, {});
    EXPECT_EQ(y.scalar_type(), type);
    const double share = type == at::kFloat ? 1e-6 : type == at::kHalf ? 2e-3 : 2e-2;
    EXPECT_LT((y.to(at::kDouble) - wanted).abs().max().item<double>(), share * wanted.abs().max().item<double>());
    y.to(at::kFloat).sum().backward();
    for (const LoraPair& pair : linear.adapters) {
      const at::Tensor of_b = pair.scale * at::mm(x.to(at::kDouble), pair.a.detach().to(at::kDouble).t()).sum(0);
      EXPECT_EQ(pair.b.grad().scalar_type(), at::kFloat);
      EXPECT_TRUE(at::allclose(pair.b.grad()[0].to(at::kDouble), of_b, 2e-2, 2e-2));
      EXPECT_GT(pair.a.grad().abs().max().item<double>(), 0);
    }
  }
}

}  // namespace
}  // namespace lethe
