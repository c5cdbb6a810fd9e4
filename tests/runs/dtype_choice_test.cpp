// What `dtype: auto` stands for in a training on a CPU.
#include "runs/dtype_choice.h"

#include "core/files.h"
#include "core/terminal.h"
#include "folder_test.h"
#include "models/loading.h"
#include "nn/bfloat16_product.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

class DtypeChoice : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    configure_terminal({.quiet = true});
    if (!multiplies_bfloat16()) GTEST_SKIP() << "this CPU does not multiply bfloat16";
  }
  ~DtypeChoice() override { configure_terminal({}); }

  // A checkpoint with a matrix [96, 32] and a vector of these types.
  Checkpoint stored_in(at::ScalarType matrix, at::ScalarType vector) const {
    const std::vector<std::pair<std::string, at::Tensor>> weights = {{"a.weight", at::zeros({96, 32}).to(matrix)},
                                                                     {"b.weight", at::zeros({8, 32}).to(matrix)},
                                                                     {"norm.weight", at::ones({32}).to(vector)}};
    std::vector<TensorSpec> specs;
    for (const auto& [name, value] : weights) specs.push_back(spec_of(name, value));
    CheckpointWriter writer(folder_, specs);
    for (const auto& [name, value] : weights) writer.write(bytes_of(value));
    writer.finish();
    write_file(folder_ / "config.json", "{}");
    return Checkpoint(folder_);
  }
  // The decision where a product in bfloat16 is so many times as fast; "not measured" if it is made without.
  std::string decision(const Checkpoint& base, double times, const std::vector<std::string>& settings = {}) {
    Recipe recipe = load_recipe("", {"tuning=lora"});
    recipe = with_settings(recipe, settings);
    compute_ = {};
    std::string measured = "not measured, ";
    const Recipe decided = with_dtype(recipe, base, compute_, [&](std::int64_t in, std::int64_t out) {
      measured = std::to_string(in) + " x " + std::to_string(out) + ", ";
      return times;
    });
    return measured + std::string(word_of(decided.dtype));
  }
  Compute compute_;
};

TEST_F(DtypeChoice, IsBfloat16WhereAMeasuredProductIsFasterAndIsKeptInTheRecipe) {
  const Checkpoint base = stored_in(at::kBFloat16, at::kFloat);
  EXPECT_EQ(decision(base, 3.5), "32 x 96, bfloat16");
  EXPECT_EQ(compute_.dtype, at::kBFloat16);
  EXPECT_EQ(decision(base, 1.4), "32 x 96, float32");
  EXPECT_EQ(compute_.dtype, at::kFloat);
}

TEST_F(DtypeChoice, RoundsNoWeightThatIsStoredInFloat32) {
  EXPECT_EQ(decision(stored_in(at::kFloat, at::kFloat), 3.5), "not measured, auto");
  EXPECT_EQ(compute_.dtype, at::kFloat);
}

TEST_F(DtypeChoice, OfFullTuningAndOfFourBitsIsFloat32) {
  const Checkpoint base = stored_in(at::kBFloat16, at::kBFloat16);
  EXPECT_EQ(decision(base, 3.5, {"tuning=full"}), "not measured, auto");
  EXPECT_EQ(decision(base, 3.5, {"quantize=nf4"}), "not measured, auto");
}

TEST_F(DtypeChoice, LeavesATypeThatIsSet) {
  const Checkpoint base = stored_in(at::kBFloat16, at::kBFloat16);
  EXPECT_EQ(decision(base, 3.5, {"dtype=float32"}), "not measured, float32");
  EXPECT_EQ(decision(base, 0.5, {"dtype=bfloat16"}), "not measured, bfloat16");
}

TEST_F(DtypeChoice, MeasuresAPositiveSpeed) {
  EXPECT_GT(bfloat16_speed(64, 96), 0);
}

}  // namespace
}  // namespace lethe
