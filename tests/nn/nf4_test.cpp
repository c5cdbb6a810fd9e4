// NF4 against bitsandbytes (tests/fixtures/nf4.json, tools/fixtures/nf4.py), and products through it against float64.
#include "nn/nf4.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/json.h"

namespace lethe {
namespace {

at::Tensor floats(const Json& list) {
  return at::tensor(list.get<std::vector<float>>());
}

TEST(Nf4, PacksToTheCodesOfBitsandbytesAndUnpacksToItsValues) {
  const Json fixture = read_json(std::filesystem::path(LETHE_FIXTURES) / "nf4.json");
  const auto rows = fixture.at("rows").get<std::int64_t>(), columns = fixture.at("columns").get<std::int64_t>();
  const Nf4Matrix packed = to_nf4(floats(fixture.at("weight")).view({rows, columns}));
  const auto codes = fixture.at("codes").get<std::vector<int>>();
  ASSERT_EQ(packed.codes.size(0), static_cast<std::int64_t>(codes.size()));
  for (std::size_t i = 0; i < codes.size(); ++i)
    EXPECT_EQ(packed.codes[static_cast<std::int64_t>(i)].item<int>(), codes[i]) << i;
  EXPECT_TRUE(at::equal(packed.scales, floats(fixture.at("scales"))));
  EXPECT_TRUE(at::equal(packed.values(at::kFloat), floats(fixture.at("values")).view({rows, columns})));
}

TEST(Nf4, ProductsAndGradientsAreThoseOfTheUnpackedMatrixInFloat64) {
  at::manual_seed(1);
  for (const bool transposed : {false, true}) {
    for (const std::int64_t rows : {3, 50}) {
      const Nf4Matrix packed = to_nf4(at::randn({40, 72}));
      const at::Tensor exact = packed.values(at::kDouble), weight = transposed ? exact.t() : exact;
      at::Tensor x = at::randn({rows, weight.size(1)}), bias = at::randn({weight.size(0)});
      const at::Tensor seed = at::randn({rows, weight.size(0)});
      const at::Tensor wide = x.to(at::kDouble).requires_grad_(true);
      const at::Tensor wanted = at::linear(wide, weight, bias.to(at::kDouble));
      wanted.backward(seed.to(at::kDouble));
      x.requires_grad_(true);
      bias.requires_grad_(true);
      const at::Tensor y = nf4_product(x, packed, bias, transposed);
      y.backward(seed);
      EXPECT_TRUE(at::allclose(y.to(at::kDouble), wanted, 1e-5, 1e-5));
      EXPECT_TRUE(at::allclose(x.grad().to(at::kDouble), wide.grad(), 1e-5, 1e-5));
      EXPECT_TRUE(at::allclose(bias.grad(), seed.sum(0), 1e-5, 1e-5));
    }
  }
}

TEST(Nf4, IsLookedUpOnAGpuToTheBitsOfTheKernel) {
  at::manual_seed(2);
  for (const auto& [rows, columns] : {std::pair{64, 128}, {5, 7}, {3, 43}, {1, 1}}) {
    const Nf4Matrix packed = to_nf4(at::randn({rows, columns}));
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
      EXPECT_TRUE(at::equal(packed.looked_up(type), packed.values(type))) << rows << " " << type;
  }
}

TEST(Nf4, TakesFourAndAHalfBitsAWeight) {
  EXPECT_EQ(to_nf4(at::randn({64, 128})).bytes(), 64U * 128U * 9U / 16U);
}

}  // namespace
}  // namespace lethe
