// Products with a weight against float64, in every implementation.
#include "nn/matmul.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "kernels/skinny_gemm.h"
#include "kernels/weight_gradient.h"

namespace lethe {
namespace {

at::Tensor random(std::vector<std::int64_t> shape) {
  static auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  return at::randn(shape, generator, at::TensorOptions());
}

/// The largest error, relative to the largest magnitude of a sum of k products.
double error(const at::Tensor& found, const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor exact = at::mm(x.to(at::kDouble), weight.to(at::kDouble).t());
  const at::Tensor scale = at::mm(x.to(at::kDouble).abs(), weight.to(at::kDouble).abs().t());
  return ((found.to(at::kDouble) - exact).abs() / scale).max().item<double>();
}

struct Shape {
  std::int64_t rows, in, out;
};

TEST(Products, AreThoseOfFloat64ForEveryShape) {
  for (const auto& [rows, in, out] : {Shape{1, 512, 96},
                                      {2, 7, 5},
                                      {3, 64, 1},
                                      {4, 16, 6},
                                      {5, 33, 13},
                                      {8, 512, 96},
                                      {17, 100, 41},
                                      {31, 64, 1000},
                                      {32, 48, 48},
                                      {33, 48, 48},
                                      {200, 96, 130}}) {
    const at::Tensor x = random({rows, in}), weight = random({out, in}), bias = random({out});
    EXPECT_LT(error(matmul_nt(x, weight), x, weight), 3e-7) << rows << " x " << in << " x " << out;
    EXPECT_LT(error(matmul_nt(x, weight, bias) - bias, x, weight), 1e-6) << rows << " x " << in << " x " << out;
    EXPECT_LT(error(matmul_nn(x, weight.t().contiguous()), x, weight), 3e-7) << rows << " x " << in << " x " << out;
  }
}

TEST(Products, TakeViewsThatAreNotContiguous) {
  const at::Tensor wide = random({40, 200}), weight = random({60, 100}), stored = random({100, 60});
  for (const std::int64_t rows : {9, 40}) {
    const at::Tensor x = wide.slice(0, 0, rows).slice(1, 50, 150);
    EXPECT_LT(error(matmul_nt(x, weight), x, weight), 3e-7);
    EXPECT_LT(error(matmul_nt(x, stored.t()), x, stored.t()), 3e-7);
  }
}

TEST(Products, OfFewRowsDependNeitherOnTheOtherRowsNorOnTheThreads) {
  const at::Tensor x = random({13, 515}), weight = random({301, 515});
  if (!has_skinny_gemm()) GTEST_SKIP() << "this CPU has neither AVX-512 nor AVX2";
  const auto product = [&](const at::Tensor& rows) {
    at::Tensor y = at::zeros({rows.size(0), weight.size(0)}, rows.options());
    skinny_gemm(rows.const_data_ptr<float>(), rows.size(0), weight.const_data_ptr<float>(), rows.size(1),
                y.mutable_data_ptr<float>(), weight.size(0));
    return y;
  };
  const at::Tensor together = product(x);
  EXPECT_LT(error(together, x, weight), 3e-7);
  const int before = at::get_num_threads();
  at::set_num_threads(before == 1 ? 2 : 1);
  for (std::int64_t r = 0; r < x.size(0); ++r) {
    EXPECT_TRUE(at::equal(product(x.slice(0, r, r + 1))[0], together[r])) << r;
  }
  at::set_num_threads(before);
}

TEST(Products, HaveTheGradientsOfFloat64) {
  for (const std::int64_t rows : {6, 50}) {
    at::Tensor x = random({rows, 40}), weight = random({30, 40}), bias = random({30});
    const at::Tensor seed = random({rows, 30});
    std::vector<at::Tensor> exact;
    for (const auto& t : {x, weight, bias}) exact.push_back(t.to(at::kDouble).requires_grad_(true));
    at::linear(exact[0], exact[1], exact[2]).backward(seed.to(at::kDouble));
    for (at::Tensor* t : {&x, &weight, &bias}) t->requires_grad_(true);
    matmul_nt(x, weight, bias).backward(seed);
    EXPECT_TRUE(at::allclose(x.grad().to(at::kDouble), exact[0].grad(), 1e-5, 1e-5));
    EXPECT_TRUE(at::allclose(weight.grad().to(at::kDouble), exact[1].grad(), 1e-5, 1e-5));
    EXPECT_TRUE(at::allclose(bias.grad().to(at::kDouble), exact[2].grad(), 1e-5, 1e-5));
  }
}

TEST(Products, GradientsOfWeightsAreThoseOfFloat64ForEveryShape) {
  // Around a tile of 14 by 32, 256 tokens, 42 strips of one thread and 64 of all.
  for (const auto& [tokens, k, n] : {Shape{1, 70, 64},
                                     {64, 64, 64},
                                     {255, 96, 70},
                                     {256, 97, 71},
                                     {257, 127, 85},
                                     {700, 161, 1300},
                                     {90, 2100, 100}}) {
    const at::Tensor g = random({tokens, n}), x = random({tokens, k});
    const at::Tensor found = matmul_tn(g, x);
    EXPECT_LT(error(found, g.t(), x.t()), 4e-7) << tokens << " x " << n << " x " << k;
    const at::Tensor before = random({n, k});
    at::Tensor sum = before.clone();
    matmul_tn_into(sum, g, x, /*add=*/true);
    EXPECT_TRUE(at::allclose(sum, before + found, 1e-5, 1e-4)) << tokens << " x " << n << " x " << k;
    const at::Tensor view = random({tokens, 2 * n}).slice(1, n / 2, n / 2 + n);
    EXPECT_LT(error(matmul_tn(view, x), view.t(), x.t()), 4e-7) << tokens << " x " << n << " x " << k;
  }
}

TEST(Products, GradientsOfWeightsDoNotDependOnTheThreads) {
  if (!mkl_lacks_avx512()) GTEST_SKIP() << "this CPU has no kernel of ours for it";
  const at::Tensor g = random({300, 130}), x = random({300, 90});
  const at::Tensor found = matmul_tn(g, x);
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    EXPECT_TRUE(at::equal(matmul_tn(g, x), found)) << threads;
  }
  at::set_num_threads(before);
}

TEST(Products, OfAFrozenWeightKeepOnlyWhatTheWayBackNeeds) {
  at::Tensor x = random({50, 40}).requires_grad_(true);
  const at::Tensor weight = random({30, 40}), seed = random({50, 30});
  matmul_nt(x, weight).backward(seed);
  EXPECT_LT(error(x.grad(), seed, weight.t()), 3e-7);
  EXPECT_FALSE(weight.grad().defined());
}

}  // namespace
}  // namespace lethe
