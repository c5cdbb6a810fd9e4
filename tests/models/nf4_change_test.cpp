// What NF4 keeps of a change, against a search for the nearest level in float64.
#include "models/nf4_change.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "made_weights.h"
#include "models/loading.h"
#include "nf4_oracle.h"

namespace lethe {
namespace {

TEST(Nf4ChangeOf, TwoMatricesIsTheFormulaInFloat64) {
  at::manual_seed(3);
  for (const double size : {1e-4, 1e-2, 1.0}) {
    const at::Tensor original = at::randn({7, 33}), changed = original + size * at::randn({7, 33});
    Nf4Change found;
    found.add(original, changed);
    const Nf4Oracle before = nf4_oracle(original), after = nf4_oracle(changed);
    const at::Tensor delta = (changed.to(at::kDouble) - original.to(at::kDouble)).reshape(-1);
    const at::Tensor left = at::tensor(after.values, at::kDouble) - at::tensor(before.values, at::kDouble);
    std::uint64_t codes = 0;
    for (std::size_t i = 0; i < before.codes.size(); ++i) codes += before.codes[i] != after.codes[i];
    EXPECT_EQ(found.weights, 231U);
    EXPECT_EQ(found.other_code, codes) << size;
    EXPECT_NEAR(found.code_share(), static_cast<double>(codes) / 231, 1e-12);
    const double length = delta.norm().item<double>();
    EXPECT_NEAR(found.kept(), left.dot(delta).item<double>() / (length * length), 1e-3) << size;
    EXPECT_NEAR(found.noise(), (left - delta).norm().item<double>() / length, 1e-3 * (1 + found.noise())) << size;
  }
}

TEST(Nf4ChangeOf, NothingIsNothing) {
  const at::Tensor weight = at::randn({4, 64});
  Nf4Change found;
  EXPECT_EQ(found.code_share(), 0);
  found.add(weight, weight);
  EXPECT_EQ(found.other_code, 0U);
  EXPECT_EQ(found.code_share(), 0);
  EXPECT_EQ(found.kept(), 0);
  EXPECT_EQ(found.noise(), 0);
}

class Nf4ChangeOfModels : public TaskArithmetic {
 protected:
  static fs::path base() { return fs::path(LETHE_FIXTURES) / "models" / "llama_plain"; }
};

TEST_F(Nf4ChangeOfModels, CoversTheLayersMatricesAlone) {
  const Checkpoint original(base());
  CausalLM model = load_model(original);
  std::uint64_t weights = 0, all = 0;
  for (const Parameter& parameter : model.parameters()) {
    all += static_cast<std::uint64_t>(parameter.size());
    if (parameter.linear != nullptr) {
      weights += static_cast<std::uint64_t>(parameter.size());
    } else {
      parameter.tensor->mul_(2);  // an embedding, a norm: not packed, so not compared
    }
  }
  write_like(original, model, made("embedding"));
  Nf4Change found = nf4_change(original, Checkpoint(made("embedding")));
  EXPECT_EQ(found.weights, weights);
  EXPECT_LT(weights, all);
  EXPECT_EQ(found.other_code, 0U);
  EXPECT_EQ(found.length2, 0);
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.linear != nullptr) parameter.tensor->mul_(-1);  // the codes of ±1 and 0 are no mirror of each other
  }
  write_like(original, model, made("mirrored"));
  found = nf4_change(original, Checkpoint(made("mirrored")));
  EXPECT_GT(found.code_share(), 0.5);
  EXPECT_NEAR(found.kept(), 1, 0.05);
}

TEST_F(Nf4ChangeOfModels, MergesAdapters) {
  const Checkpoint original(base());
  const std::string module = "model.layers.0.mlp.up_proj";
  const StoredTensor& stored = *original.find(module + ".weight");
  const at::Tensor a = at::randn({2, stored.shape[1]}), b = at::randn({stored.shape[0], 2});
  const Adapter made_adapter(adapter(
      "adapter",
      {{"base_model.model." + module + ".lora_A.weight", a}, {"base_model.model." + module + ".lora_B.weight", b}},
      {{"r", 2}, {"lora_alpha", 2}, {"target_modules", {"up_proj"}}}));
  const AppliedAdapters applied(original, {{&made_adapter, 0.1}});
  const Nf4Change found = nf4_change(original, original, &applied);
  Nf4Change wanted;
  const at::Tensor weight = values(original, module + ".weight");
  wanted.add(weight, weight + 0.1 * at::mm(b, a));
  EXPECT_GT(wanted.other_code, 0U);
  EXPECT_EQ(found.other_code, wanted.other_code);
  EXPECT_NEAR(found.length2, wanted.length2, 1e-4 * wanted.length2);
}

TEST_F(Nf4ChangeOfModels, NeedsTheSameShapes) {
  const Checkpoint original(base()), other(fs::path(LETHE_FIXTURES) / "models" / "llama_grouped_tied");
  EXPECT_THROW(nf4_change(original, other), Error);
}

}  // namespace
}  // namespace lethe
