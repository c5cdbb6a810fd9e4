// Memory on a GPU: four-bit weights, the optimizer's copies, and what happens when it is full.
#include <gtest/gtest.h>

#include "core/messages.h"
#include "gpu/gpu_fixture.h"
#include "gpu/stand_in_device.h"
#include "nn/nf4.h"
#include "recipe/recipe.h"
#include "runs/needs.h"
#include "tensors/device.h"
#include "training/adamw.h"

namespace lethe {
namespace {

class GpuMemory : public GpuTest {};

TEST_F(GpuMemory, OfNf4IsLookedUpToTheBitsOfTheCpu) {
  at::manual_seed(2);
  for (const auto& [rows, columns] : {std::pair{64, 128}, {5, 7}, {3, 43}, {1, 1}, {96, 1000}}) {
    const Nf4Matrix packed = to_nf4(at::randn({rows, columns})), there = packed.to(device_);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
      EXPECT_TRUE(at::equal(there.values(type).cpu(), packed.values(type))) << rows << " " << type;
    const at::Tensor x = at::randn({9, columns});
    EXPECT_LT(difference(nf4_product(x.to(device_), there, {}, false), nf4_product(x, packed, {}, false)), 1e-4);
  }
}

TEST_F(GpuMemory, OfAnNf4LookUpIsThatOfOnePiece) {
  if (!on_stand_in()) GTEST_SKIP() << "memory is counted on the stand-in alone";
  const Nf4Matrix matrix = to_nf4(at::randn({512, 4096})).to(device_);
  constexpr std::int64_t kPiece = 1 << 16;
  reset_stand_in_counts();
  reset_stand_in_peak();
  const std::uint64_t before = stand_in_bytes();
  const at::Tensor values = matrix.looked_up(at::kBFloat16, kPiece);
  EXPECT_LT(stand_in_peak() - before, values.nbytes() + 8 * kPiece);
  EXPECT_EQ(stand_in_counts().uploads, 0);
}

TEST_F(GpuMemory, OfAStepHoldsTheFloat32GradientsOfOneGroup) {
  if (!on_stand_in()) GTEST_SKIP() << "memory is counted on the stand-in alone";
  constexpr std::int64_t kSize = 1 << 16;  // two make a group
  std::vector<at::Tensor> parameters;
  for (int i = 0; i < 6; ++i) {
    parameters.push_back(at::zeros({kSize}, at::TensorOptions(at::kBFloat16).device(device_)).requires_grad_(true));
    parameters.back().mutable_grad() = at::ones({kSize}, at::TensorOptions(at::kBFloat16).device(device_));
  }
  AdamW optimizer(parameters, {.group = 2 * kSize});
  reset_stand_in_peak();
  const std::uint64_t before = stand_in_bytes();
  optimizer.step(1e-3);
  EXPECT_LT(stand_in_peak() - before, 9 * kSize);  // four bytes for each of two; all at once would take 24
  EXPECT_LT(stand_in_bytes(), before);             // the gradients are freed
}

TEST_F(GpuMemory, ThatIsFullThrowsAnErrorOfItsOwnKind) {
  EXPECT_THROW(at::empty({std::int64_t{1} << 45}, at::TensorOptions(at::kByte).device(device_)), c10::OutOfMemoryError);
  EXPECT_EQ(at::ones({3}, at::TensorOptions().device(device_)).sum().item<double>(), 3);  // and work goes on
}

TEST_F(GpuMemory, IsReportedAsFreeOnceTensorsAreGone) {
  { const at::Tensor first = at::empty({1 << 20}, at::TensorOptions().device(device_)); }
  const std::uint64_t before = free_device_bytes(device_);
  {
    const at::Tensor large = at::empty({64 << 20}, at::TensorOptions().device(device_));
    EXPECT_LE(free_device_bytes(device_) + (std::uint64_t{250} << 20), before);
  }
  EXPECT_GE(free_device_bytes(device_) + (std::uint64_t{16} << 20), before);
}

class Warnings : public Observer {
 public:
  Warnings() : before_(set_observer(this)) {}
  ~Warnings() override { set_observer(before_); }
  void warning(const std::string& text) override { texts += text; }
  std::string texts;

 private:
  Observer* before_;
};

TEST_F(GpuMemory, ThatATrainingExceedsIsKnownBeforeIt) {
  const Compute compute{device_, at::kBFloat16};
  const std::uint64_t free = available_for(compute);
  const Warnings warnings;
  check_needs({.memory = free / 2}, 0, Recipe{}, compute);
  EXPECT_EQ(warnings.texts, "");
  check_needs({.memory = 2 * free}, 0, Recipe{}, compute);
  EXPECT_NE(warnings.texts.find("memory may not be enough"), std::string::npos);
}

}  // namespace
}  // namespace lethe
