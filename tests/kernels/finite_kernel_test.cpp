#include "kernels/finite_kernel.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tensors/file_tensors.h"

namespace lethe {
namespace {

template <class Bits>
bool is_finite_alone(DType type, Bits bits) {
  return finite_kernel(type, reinterpret_cast<const std::byte*>(&bits), 1);
}

TEST(FiniteKernel, AgreesWithTheEngineOnEveryNumberOfSixteenBits) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(is_finite_alone(DType::f16, half),
              std::isfinite(static_cast<float>(at::Half(half, at::Half::from_bits()))));
    ASSERT_EQ(is_finite_alone(DType::bf16, half), std::isfinite(std::bit_cast<float>(bits << 16)));
  }
}

TEST(FiniteKernel, KnowsTheEdgesOfFloat32) {
  using Limits = std::numeric_limits<float>;
  for (const float finite : {0.0F, -0.0F, Limits::max(), Limits::lowest(), Limits::denorm_min(), Limits::min()})
    EXPECT_TRUE(is_finite_alone(DType::f32, std::bit_cast<std::uint32_t>(finite))) << finite;
  for (const float other : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), Limits::signaling_NaN()})
    EXPECT_FALSE(is_finite_alone(DType::f32, std::bit_cast<std::uint32_t>(other))) << other;
}

TEST(FiniteKernel, FindsOneBadValueAtEveryPlace) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const at::Tensor values = at::ones({131}, type);
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      ASSERT_TRUE(is_finite(values));
      values[i] = i % 2 == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
      ASSERT_FALSE(is_finite(values)) << type << " " << i;
      values[i] = 1;
    }
  }
}

TEST(FiniteKernel, SearchesAllPiecesOfALargeTensorAndTensorsWithHoles) {
  const at::Tensor values = at::zeros({3, 1 << 18}, at::kHalf);
  EXPECT_TRUE(is_finite(values));
  values[2][(1 << 18) - 1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(is_finite(values));
  EXPECT_TRUE(is_finite(values.narrow(1, 0, 100)));
  EXPECT_FALSE(is_finite(values.t()));
}

}  // namespace
}  // namespace lethe
