// Products of float32 activations with bfloat16 weights, against float64 on factors rounded to bfloat16.
#include "nn/bfloat16_product.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <time.h>

#include "kernels/bfloat16_panel.h"
#include "kernels/skinny_gemm.h"
#include "nn/linear.h"
#include "nn/matmul.h"
#include "nn/nf4.h"
#include "nn/norm.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

class Bfloat16Product : public testing::Test {
 protected:
  void SetUp() override {
    if (!multiplies_bfloat16()) GTEST_SKIP() << "this CPU does not multiply bfloat16";
    at::manual_seed(11);
  }
};

at::Tensor rounded(const at::Tensor& t) {
  return t.detach().to(at::kBFloat16).to(at::kDouble);
}

/// The largest error of a·b, relative to the sum of its terms' magnitudes.
double error_of(const at::Tensor& found, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = rounded(a), y = rounded(b), terms = at::mm(x.abs(), y.abs()).clamp_min(1e-30);
  return ((found.detach().to(at::kDouble) - at::mm(x, y)).abs() / terms).max().item<double>();
}

constexpr double kOfFloat32 = 4e-7;

TEST(Bfloat16Instructions, SufficeWithoutAmx) {
  EXPECT_EQ(multiplies_bfloat16(), has_bfloat16_instructions());
}

TEST_F(Bfloat16Product, IsThatOfFloat64ForEveryShapeAndLayout) {
  struct Extents {
    std::int64_t m, k, n;
  };
  // Around blocks of 32 rows, pairs of numbers, and panels of 64 columns in blocks of 16.
  for (const auto& [m, k, n] : std::vector<Extents>{{1, 1, 1},
                                                    {31, 2, 15},
                                                    {32, 31, 16},
                                                    {33, 32, 17},
                                                    {70, 33, 63},
                                                    {64, 100, 64},
                                                    {5, 64, 65},
                                                    {97, 257, 130},
                                                    {3, 700, 200}}) {
    const at::Tensor a = at::randn({m, k}), b = at::randn({k, n}).to(at::kBFloat16);
    for (const at::Tensor& left : {a, a.t().contiguous().t(), at::randn({m, 2 * k}).slice(1, k / 2, k / 2 + k)}) {
      for (const at::Tensor& right : {b, b.t().contiguous().t()}) {
        EXPECT_LT(error_of(bfloat16_product(left, right), left, right), kOfFloat32) << m << " x " << k << " x " << n;
        const at::Tensor before = at::randn({m, n});
        at::Tensor sum = before.clone();
        bfloat16_product_into(sum, left, right, /*add=*/true);
        EXPECT_TRUE(at::allclose(sum, before + bfloat16_product(left, right), 1e-5, 1e-5)) << m << " x " << n;
      }
    }
  }
}

TEST_F(Bfloat16Product, OfNothingIsNothing) {
  const at::Tensor b = at::randn({4, 8}).to(at::kBFloat16);
  EXPECT_EQ(bfloat16_product(at::empty({0, 4}), b).size(0), 0);
  EXPECT_TRUE(at::equal(bfloat16_product(at::empty({3, 0}), b.slice(0, 0, 0)), at::zeros({3, 8})));
}

TEST_F(Bfloat16Product, ARowDependsNeitherOnOtherRowsNorOnTheThreads) {
  const at::Tensor x = at::randn({75, 515}), weight = at::randn({515, 301}).to(at::kBFloat16);
  const at::Tensor together = bfloat16_product(x, weight);
  const int before = at::get_num_threads();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    for (const std::int64_t r : {0, 31, 40, 74})
      EXPECT_TRUE(at::equal(bfloat16_product(x.slice(0, r, r + 1), weight)[0], together[r])) << threads << " " << r;
  }
  at::set_num_threads(before);
}

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST_F(Bfloat16Product, IsSharedByTheThreads) {
  const at::Tensor x = at::randn({512, 1024}), weight = at::randn({1024, 2048}).to(at::kBFloat16);
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  const double all = seconds_of(CLOCK_PROCESS_CPUTIME_ID), own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < 10; ++i) bfloat16_product(x, weight);
  const double by_this = seconds_of(CLOCK_THREAD_CPUTIME_ID) - own;
  EXPECT_GT(seconds_of(CLOCK_PROCESS_CPUTIME_ID) - all - by_this, by_this / 2);
  at::set_num_threads(before);
}

TEST_F(Bfloat16Product, OfFewRowsRoundsTheSameFactors) {
  for (const auto& [k, n] : {std::pair<std::int64_t, std::int64_t>{512, 96}, {7, 5}, {33, 13}, {100, 41}}) {
    const at::Tensor weight = at::randn({n, k}).to(at::kBFloat16), bias = at::randn({n}).to(at::kBFloat16);
    for (const std::int64_t rows : {1, 3, 4, 9, 32}) {
      const at::Tensor x = at::randn({rows, k});
      EXPECT_LT(error_of(matmul_nt(x, weight), x, weight.t()), kOfFloat32) << rows << " x " << k << " x " << n;
      EXPECT_TRUE(at::allclose(matmul_nt(x, weight, bias), matmul_nt(x, weight) + bias));
    }
  }
}

TEST_F(Bfloat16Product, OfNoRowsIsEmpty) {
  EXPECT_EQ(matmul_nt(at::empty({0, 64}), at::randn({32, 64}).to(at::kBFloat16)).sizes(), at::IntArrayRef({0, 32}));
}

TEST_F(Bfloat16Product, OfFewRowsDependsNeitherOnOtherRowsNorOnTheThreads) {
  const at::Tensor x = at::randn({19, 515}), weight = at::randn({301, 515}).to(at::kBFloat16);
  const auto product = [&](const at::Tensor& rows) {
    at::Tensor y = at::empty({rows.size(0), weight.size(0)});
    skinny_gemm(rows.const_data_ptr<float>(), rows.size(0),
                reinterpret_cast<const std::uint16_t*>(weight.const_data_ptr<at::BFloat16>()), rows.size(1),
                y.mutable_data_ptr<float>(), weight.size(0));
    return y;
  };
  const at::Tensor together = product(x);
  EXPECT_LT(error_of(together, x, weight.t()), kOfFloat32);
  const int before = at::get_num_threads();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    for (const std::int64_t r : {0, 3, 16, 18})
      EXPECT_TRUE(at::equal(product(x.slice(0, r, r + 1))[0], together[r])) << threads << " " << r;
  }
  at::set_num_threads(before);
}

TEST_F(Bfloat16Product, HasGradientsOfTheSamePrecision) {
  for (const std::int64_t rows : {6, 50}) {
    at::Tensor x = at::randn({rows, 40}), weight = at::randn({30, 40}).to(at::kBFloat16),
               bias = at::randn({30}).to(at::kBFloat16);
    const at::Tensor seed = at::randn({rows, 30});
    for (at::Tensor* t : {&x, &weight, &bias}) t->requires_grad_(true);
    const at::Tensor y = matmul_nt(x, weight, bias);
    EXPECT_EQ(y.scalar_type(), at::kFloat);
    y.backward(seed);
    EXPECT_LT(error_of(x.grad(), seed, weight), kOfFloat32);
    const at::Tensor wanted = at::mm(rounded(seed).t(), rounded(x));  // stored in bfloat16
    EXPECT_TRUE(at::allclose(weight.grad().to(at::kDouble), wanted, 1e-2, 1e-2));
    EXPECT_TRUE(at::allclose(bias.grad().to(at::kDouble), seed.to(at::kDouble).sum(0), 1e-2, 1e-2));
  }
}

TEST_F(Bfloat16Product, OfAnAdaptedMapAddsAdaptersInFloat32) {
  Linear linear;
  linear.weight = at::randn({24, 40}).to(at::kBFloat16);
  linear.adapters.push_back({at::randn({3, 40}), at::randn({24, 3}), 0.5});
  const LoraPair& pair = linear.adapters[0];
  for (const bool transposed : {false, true}) {
    if (transposed) linear.weight = linear.weight.t().contiguous();
    linear.transposed = transposed;
    const at::Tensor x = at::randn({50, 40}), weight = transposed ? linear.weight : linear.weight.t();
    const at::Tensor wanted = bfloat16_product(x, weight) + 0.5 * at::mm(at::mm(x, pair.a.t()), pair.b.t());
    EXPECT_TRUE(at::allclose(linear.forward(x, {}), wanted, 1e-5, 1e-5)) << transposed;
  }
}

TEST_F(Bfloat16Product, OfWeightsInFourBitsRoundsWhatTheyStandFor) {
  Nf4Matrix packed = to_nf4(at::randn({24, 40}));
  packed.by_bfloat16 = true;
  const at::Tensor weight = packed.values(at::kFloat), seed = at::randn({50, 24});
  const at::Tensor x = at::randn({50, 40}).requires_grad_(true), y = nf4_product(x, packed, {}, false);
  EXPECT_LT(error_of(y, x, weight.t()), kOfFloat32);
  y.backward(seed);
  EXPECT_LT(error_of(x.grad(), seed, weight), kOfFloat32);
}

TEST_F(Bfloat16Product, NormsComputeInFloat32) {
  const at::Tensor x = at::randn({9, 24});
  for (const NormKind kind : {NormKind::rms, NormKind::layer}) {
    Norm narrow{.kind = kind}, wide{.kind = kind};
    narrow.weight = at::randn({24}).to(at::kBFloat16);
    wide.weight = narrow.weight.to(at::kFloat);
    if (kind == NormKind::layer) {
      narrow.bias = at::randn({24}).to(at::kBFloat16);
      wide.bias = narrow.bias.to(at::kFloat);
    }
    EXPECT_TRUE(at::equal(narrow.forward(x), wide.forward(x)));
  }
}

TEST_F(Bfloat16Product, LossesOverTheVocabularyHaveItsLogitsAndGradients) {
  const at::Tensor head = at::randn({90, 40}).to(at::kBFloat16).requires_grad_(true),
                   targets = at::randint(90, {70}, at::kLong), weights = at::full({70}, 1.0 / 70);
  const at::Tensor hidden = at::randn({70, 40}).requires_grad_(true);
  const TokenLoss loss = cross_entropy(hidden, Head{.weight = head}, targets, weights);
  loss.total.backward();
  const at::Tensor x = rounded(hidden).requires_grad_(true), w = rounded(head).requires_grad_(true);
  const at::Tensor wanted = at::cross_entropy_loss(at::mm(x, w.t()), targets);
  wanted.backward();
  EXPECT_NEAR(loss.total.item<double>(), wanted.item<double>(), 1e-6 * wanted.item<double>());
  const auto differs = [](const at::Tensor& a, const at::Tensor& b) {
    return ((a.to(at::kDouble) - b).norm() / b.norm()).item<double>();
  };
  EXPECT_LT(differs(hidden.grad(), x.grad()), 4e-3);
  EXPECT_LT(differs(head.grad(), w.grad()), 4e-3);
}

}  // namespace
}  // namespace lethe
