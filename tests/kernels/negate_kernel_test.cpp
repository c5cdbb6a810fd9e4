// Stage 2 in one pass gives the same bits as operation by operation.
#include "kernels/negate_kernel.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tensors/file_tensors.h"
#include "tensors/parallel.h"

namespace lethe {
namespace {

class NegateKernel : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!has_negate_kernel(GetParam())) GTEST_SKIP() << "this CPU has no AVX2 or no F16C";
  }
  static bool run(const at::Tensor& o, const at::Tensor& t, double alpha, at::Tensor& result) {
    result = at::empty_like(o);
    return negate_kernel(GetParam(), bytes_of(o).data(), bytes_of(t).data(), static_cast<float>(alpha),
                         static_cast<std::byte*>(result.mutable_data_ptr()), static_cast<std::size_t>(o.numel()));
  }
  at::ScalarType type() const { return scalar_type(GetParam()); }
};

TEST_P(NegateKernel, GivesTheBitsOfOneOperationAfterTheOther) {
  at::manual_seed(11);
  for (const std::int64_t count : {1, 7, 8, 9, 1000, 65537}) {
    for (const double scale : {1.0, 1e-3, 1e-7}) {  // the last are subnormal in f16
      for (const double alpha : {1.0, 0.3, -2.5}) {
        const at::Tensor o = (at::randn({count}) * scale).to(type()), t = (at::randn({count}) * scale).to(type());
        const at::Tensor wide = o.to(at::kFloat);
        const at::Tensor wanted =
            wide.sub(t.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).sub_(wide).mul_(alpha)).to(type());
        at::Tensor found;
        ASSERT_TRUE(run(o, t, alpha, found));
        ASSERT_EQ(std::memcmp(found.data_ptr(), wanted.data_ptr(), wanted.nbytes()), 0)
            << count << " values of about " << scale << ", alpha " << alpha;
      }
    }
  }
}

TEST_P(NegateKernel, FindsValuesThatAreNotFiniteWhereverTheyAre) {
  for (const std::int64_t at : {0, 13, 20}) {
    for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      at::Tensor o = at::ones({21}, type()), t = at::ones({21}, type()), found;
      ASSERT_TRUE(run(o, t, 1, found));
      t[at] = value;
      EXPECT_FALSE(run(o, t, 1, found)) << at;
    }
  }
  // Finite in float32, too large for the type.
  const double largest = GetParam() == DType::f16 ? 65504.0 : 3.38e38;
  at::Tensor found;
  EXPECT_FALSE(run(at::full({9}, largest, type()), at::full({9}, -largest, type()), 1, found));
}

INSTANTIATE_TEST_SUITE_P(Types, NegateKernel, testing::Values(DType::bf16, DType::f16, DType::f32));

TEST(InParallel, DoesEachPieceOnceAndHandsAnErrorOn) {
  std::vector<int> done(1000);
  in_parallel(1000, [&](std::int64_t i) { ++done[static_cast<std::size_t>(i)]; });
  EXPECT_EQ(done, std::vector<int>(1000, 1));
  EXPECT_THROW(in_parallel(10,
                           [](std::int64_t i) {
                             if (i == 7) throw Error("seven");
                           }),
               Error);
}

}  // namespace
}  // namespace lethe
