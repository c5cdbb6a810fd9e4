// A model in four bits: each weight against a search for the nearest level, and the model as before afterwards.
#include "models/nf4_form.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "models/loading.h"
#include "models/lora.h"
#include "nf4_oracle.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

// GPT-2 stores its matrices transposed.
class InFourBits : public testing::TestWithParam<const char*> {
 protected:
  InFourBits() : model_(load_model(Checkpoint(fs::path(LETHE_FIXTURES) / "models" / GetParam()))) {
    at::manual_seed(5);
    pairs_ = add_lora(model_, {.rank = 2, .alpha = 3, .targets = {.suffixes = {}, .pattern = "all-linear"}}, 1);
    for (const NamedLora& lora : pairs_) {
      lora.pair->a.requires_grad_(false);
      lora.pair->b = 0.1 * at::randn(lora.pair->b.sizes());
    }
  }
  at::Tensor hidden() {
    PackBuilder pack;
    pack.add(std::vector<int>{3, 1, 4, 1, 5});
    return model_.hidden(pack.build(at::kCPU));
  }

  const c10::NoGradGuard no_gradient_;
  CausalLM model_;
  std::vector<NamedLora> pairs_;
};

TEST_P(InFourBits, TheLayersMatricesAreRoundedWithTheirAdapters) {
  std::map<std::string, at::Tensor> before;
  for (const Parameter& parameter : model_.parameters()) before[parameter.name] = parameter.tensor->clone();
  const std::vector<NamedLora>& pairs = pairs_;
  const auto wanted = [&](const Parameter& parameter) {
    at::Tensor weight = before.at(parameter.name).to(at::kDouble);
    for (const NamedLora& lora : pairs) {
      if (lora.module + ".weight" != parameter.name) continue;
      const at::Tensor change = lora.pair->scale * at::mm(lora.pair->b.to(at::kDouble), lora.pair->a.to(at::kDouble));
      weight = weight + (lora.transposed ? change.t() : change);
    }
    return weight;
  };
  const at::Tensor plain = hidden();
  at::Tensor rounded;
  {
    const Nf4Form form(model_);
    std::size_t layers = 0;
    for (const Parameter& parameter : model_.parameters()) {
      if (parameter.linear == nullptr) {
        EXPECT_TRUE(at::equal(*parameter.tensor, before.at(parameter.name))) << parameter.name;
        continue;
      }
      ++layers;
      const at::Tensor merged = wanted(parameter);
      const Nf4Oracle oracle = nf4_oracle(merged.to(at::kFloat));
      const at::Tensor off = (parameter.tensor->to(at::kDouble).reshape(-1) - at::tensor(oracle.values, at::kDouble));
      // A weight between two levels may round to either: the sums differ in the last bits of float32.
      EXPECT_LT(off.abs().gt(1e-5).sum().item<double>(), 0.002 * static_cast<double>(off.numel()) + 1)
          << parameter.name;
    }
    EXPECT_GT(layers, 0U);
    rounded = hidden();
  }
  EXPECT_GT((rounded - plain).abs().max().item<double>(), 1e-4);
  EXPECT_TRUE(at::equal(hidden(), plain));
  EXPECT_TRUE(model_.adapters.on);
  for (const Parameter& parameter : model_.parameters())
    EXPECT_TRUE(at::equal(*parameter.tensor, before.at(parameter.name))) << parameter.name;

  // The same hidden states as of a model whose files hold the rounded weights.
  for (const Parameter& parameter : model_.parameters()) {
    if (parameter.linear == nullptr) continue;
    const Nf4Oracle oracle = nf4_oracle(wanted(parameter).to(at::kFloat));
    *parameter.tensor = at::tensor(oracle.values, at::kDouble).view(parameter.shape).to(at::kFloat);
  }
  model_.adapters.on = false;
  EXPECT_LT((hidden() - rounded).abs().max().item<double>(), 0.05 * (rounded - plain).abs().max().item<double>());
}

TEST_P(InFourBits, AdaptersThatAreSwitchedOffAreNotPartOfTheWeights) {
  model_.adapters.on = false;
  std::map<std::string, at::Tensor> before;
  for (const Parameter& parameter : model_.parameters()) before[parameter.name] = parameter.tensor->clone();
  {
    const Nf4Form form(model_);
    for (const Parameter& parameter : model_.parameters()) {
      if (parameter.linear == nullptr) continue;
      const at::Tensor& weight = before.at(parameter.name);
      EXPECT_TRUE(at::equal(*parameter.tensor, to_nf4(weight).values(at::kFloat))) << parameter.name;
    }
  }
  EXPECT_FALSE(model_.adapters.on);
}

INSTANTIATE_TEST_SUITE_P(Families, InFourBits, testing::Values("llama_plain", "gpt2_plain"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lethe
