// One new token a row over the cache, against the formula in float64.
#include "kernels/decode_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/skinny_gemm.h"

namespace lethe {
namespace {

struct Heads {
  std::int64_t heads, key_heads, dim, window;
};

struct Step {
  std::vector<std::int64_t> lengths = {0, 1, 5, 16, 40, 63, 17};
  std::int64_t capacity = 64;
  at::Tensor q, k, v, keys, values, out;

  Step(const Heads& shape, double spread) {
    at::manual_seed(5);
    const auto rows = static_cast<std::int64_t>(lengths.size());
    q = at::randn({rows, shape.heads, shape.dim}) * spread;
    k = at::randn({rows, shape.key_heads, shape.dim});
    v = at::randn({rows, shape.key_heads, shape.dim});
    keys = at::randn({rows, shape.key_heads, capacity, shape.dim});
    values = at::randn({rows, shape.key_heads, capacity, shape.dim});
    out = at::empty_like(q);
  }
  void run(const Heads& shape) {
    decode_attention({.rows = q.size(0),
                      .heads = shape.heads,
                      .key_heads = shape.key_heads,
                      .dim = shape.dim,
                      .capacity = capacity,
                      .q = q.const_data_ptr<float>(),
                      .k = k.const_data_ptr<float>(),
                      .v = v.const_data_ptr<float>(),
                      .keys = keys.mutable_data_ptr<float>(),
                      .values = values.mutable_data_ptr<float>(),
                      .lengths = lengths.data(),
                      .window = shape.window,
                      .scale = 0.2F,
                      .out = out.mutable_data_ptr<float>()});
  }
};

class DecodeAttentionOf : public testing::TestWithParam<Heads> {
 protected:
  void SetUp() override {
    if (!has_skinny_gemm()) GTEST_SKIP() << "this CPU has neither AVX-512 nor AVX2";
  }
};

TEST_P(DecodeAttentionOf, IsThatOfFloat64) {
  const Heads shape = GetParam();
  for (const double spread : {1.0, 30.0}) {  // the second: one key takes nearly all
    Step step(shape, spread);
    step.run(shape);
    for (std::int64_t row = 0; row < step.q.size(0); ++row) {
      const std::int64_t end = step.lengths[static_cast<std::size_t>(row)] + 1;
      const std::int64_t begin = shape.window > 0 ? std::max<std::int64_t>(0, end - shape.window) : 0;
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        const std::int64_t g = h / (shape.heads / shape.key_heads);
        at::Tensor keys = step.keys[row][g].to(at::kDouble), values = step.values[row][g].to(at::kDouble);
        keys[end - 1] = step.k[row][g].to(at::kDouble);
        values[end - 1] = step.v[row][g].to(at::kDouble);
        const at::Tensor weights =
            (at::mv(keys.slice(0, begin, end), step.q[row][h].to(at::kDouble)) * static_cast<double>(0.2F)).softmax(0);
        const at::Tensor wanted = at::mv(values.slice(0, begin, end).t(), weights);
        EXPECT_LT((step.out[row][h].to(at::kDouble) - wanted).abs().max().item<double>(), 2e-5)
            << "row " << row << ", head " << h;
      }
      EXPECT_TRUE(at::equal(step.keys[row].select(1, end - 1), step.k[row]));
      EXPECT_TRUE(at::equal(step.values[row].select(1, end - 1), step.v[row]));
    }
  }
}

TEST_P(DecodeAttentionOf, DependsNeitherOnTheOtherRowsNorOnTheThreads) {
  Step all(GetParam(), 1), last(GetParam(), 1);
  const int threads = at::get_num_threads();
  all.run(GetParam());
  at::set_num_threads(1);
  for (at::Tensor* t : {&last.q, &last.k, &last.v, &last.keys, &last.values, &last.out}) *t = t->slice(0, 6).clone();
  last.lengths = {last.lengths[6]};
  last.run(GetParam());
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(all.out.slice(0, 6), last.out));
}

INSTANTIATE_TEST_SUITE_P(Heads, DecodeAttentionOf,
                         testing::Values(Heads{4, 4, 64, 0}, Heads{8, 2, 80, 0}, Heads{2, 1, 7, 0}, Heads{4, 2, 16, 9},
                                         Heads{3, 3, 130, 0}, Heads{32, 8, 128, 0}));

}  // namespace
}  // namespace lethe
