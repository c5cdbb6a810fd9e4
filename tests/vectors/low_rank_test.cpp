// Low-rank task vectors against the singular value decomposition in float64.
#include "vectors/low_rank.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

at::Tensor random(std::vector<std::int64_t> shape) {
  return at::randn(shape, at::kDouble);
}

at::Tensor truncated(const at::Tensor& matrix, std::int64_t rank) {
  const auto [u, s, vh] = at::linalg_svd(matrix.to(at::kDouble), false);
  at::Tensor sum = at::zeros_like(matrix, at::kDouble);
  for (std::int64_t i = 0; i < rank; ++i) sum = sum + s[i] * at::outer(u.select(1, i), vh[i]);
  return sum;
}

double furthest(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(StrongestDirections, AreTheLeadingTermsOfTheDecomposition) {
  at::manual_seed(1);
  for (const auto& shape : {std::vector<std::int64_t>{12, 7}, {5, 9}}) {
    const at::Tensor matrix = random(shape);
    for (const std::int64_t rank : {1, 3}) {
      const at::Tensor kept = low_rank(matrix, rank);
      EXPECT_LT(furthest(kept, truncated(matrix, rank)), 1e-5);
      EXPECT_EQ(at::linalg_matrix_rank(kept, 1e-4).item<std::int64_t>(), rank);
    }
    EXPECT_LT(furthest(low_rank(matrix, 100), matrix), 1e-6);
  }
}

TEST(StrongestDirections, OfAVectorAreTheVector) {
  at::manual_seed(2);
  const at::Tensor vector = random({6});
  EXPECT_LT(furthest(low_rank(vector, 1), vector), 1e-6);
}

TEST(StrongestDirections, OfAnAdapterAreThoseOfItsProduct) {
  at::manual_seed(3);
  const at::Tensor b = random({10, 4}), a = random({4, 8});
  for (const std::int64_t rank : {1, 2}) {
    const at::Tensor kept = low_rank_of_product(b, a, rank);
    EXPECT_EQ(kept.sizes(), b.sizes());
    EXPECT_LT(furthest(at::mm(kept.to(at::kDouble), a), truncated(at::mm(b, a), rank)), 1e-5);
  }
  EXPECT_LT(furthest(low_rank_of_product(b, a, 4), b), 1e-6);
}

// Two adapters joined into one (contrast) may have a larger rank than a small matrix.
TEST(StrongestDirections, OfAProductWithAWideInnerAxisAreFoundToo) {
  at::manual_seed(4);
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{5, 20}, {20, 5}, {6, 6}}) {
    const at::Tensor b = random({out, 12}), a = random({12, in}), product = at::mm(b, a);
    for (const std::int64_t rank : {2, 5, 8}) {
      const at::Tensor kept = at::mm(low_rank_of_product(b, a, rank).to(at::kDouble), a);
      EXPECT_LT(furthest(kept, truncated(product, std::min<std::int64_t>(rank, std::min(out, in)))), 1e-4) << rank;
    }
  }
}

TEST(StrongestDirections, OfAProductAreAProductOfThatRank) {
  at::manual_seed(4);
  // Also where the inner axis is longer than the others, as after stacking adapters.
  for (const std::int64_t inner : {4, 12}) {
    const at::Tensor b = random({10, inner}), a = random({inner, 8});
    for (const std::int64_t rank : {1, 3}) {
      const auto [left, right] = low_rank_factors(b, a, rank);
      EXPECT_EQ(left.sizes(), (std::vector<std::int64_t>{10, rank}));
      EXPECT_EQ(right.sizes(), (std::vector<std::int64_t>{rank, 8}));
      EXPECT_LT(furthest(at::mm(left.to(at::kDouble), right.to(at::kDouble)), truncated(at::mm(b, a), rank)), 1e-5);
      EXPECT_NEAR(left.norm().item<double>(), right.norm().item<double>(), 1e-5);
    }
  }
}

}  // namespace
}  // namespace lethe
