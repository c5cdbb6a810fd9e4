// No writer of models or adapters writes a weight that is NaN or infinite. Negation and merging: tests/vectors.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "models/loading.h"
#include "models/lora.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class FiniteWriters : public testing::TestWithParam<double> {
 protected:
  FiniteWriters() : base_(fs::path(LETHE_FIXTURES) / "models/llama_plain"), model_(load_model(base_)) {}
  ~FiniteWriters() override { fs::remove_all(folder_); }

  void expect_refused(const std::string& named, const std::function<void()>& write) const {
    try {
      write();
      ADD_FAILURE() << named << " was written";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("NaN or infinity"), std::string::npos) << error.what();
    }
  }
  /// An empty folder.
  fs::path fresh() const {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    return folder_;
  }
  void break_weight(const std::string& name) {
    for (const Parameter& parameter : model_.parameters()) {
      if (parameter.name != name) continue;
      at::Tensor broken = parameter.tensor->detach().clone();
      broken.view(-1)[broken.numel() - 1] = GetParam();
      *parameter.tensor = broken;
    }
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "lethe_finite_writers";
  Checkpoint base_;
  CausalLM model_;
};

TEST_P(FiniteWriters, OfAFineTunedModel) {
  write_like(base_, model_, fresh());
  break_weight("model.layers.1.mlp.up_proj.weight");
  expect_refused("model.layers.1.mlp.up_proj.weight", [&] { write_like(base_, model_, fresh()); });
}

TEST_P(FiniteWriters, OfAModelFromScratch) {
  const Json config = base_.config();
  write_new(model_, config, fresh());
  break_weight("model.norm.weight");
  expect_refused("model.norm.weight", [&] { write_new(model_, config, fresh()); });
}

TEST_P(FiniteWriters, OfATrainedAdapter) {
  const LoraSettings settings{.rank = 2};
  const std::vector<NamedLora> pairs = add_lora(model_, settings, 1);
  write_adapter(pairs, settings, "base", fresh());
  for (at::Tensor LoraPair::*half : {&LoraPair::a, &LoraPair::b}) {
    at::Tensor value = (pairs.back().pair->*half).detach();
    const at::Tensor whole = value.clone();
    value.view(-1)[0] = GetParam();
    for (const double factor : {1.0, -0.5})
      expect_refused(half == &LoraPair::a ? "lora_A" : "lora_B",
                     [&] { write_adapter(pairs, settings, "base", fresh(), factor); });
    value.copy_(whole);
  }
}

INSTANTIATE_TEST_SUITE_P(BrokenNumbers, FiniteWriters,
                         testing::Values(std::nan(""), std::numeric_limits<double>::infinity(),
                                         -std::numeric_limits<double>::infinity()));

}  // namespace
}  // namespace lethe
