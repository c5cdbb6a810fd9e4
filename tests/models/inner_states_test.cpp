// The residual stream after each layer equals transformers' (float64), on the fixtures of
// tools/fixtures/inner_states.py.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "models/lora.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class InnerStates : public testing::Test {
 protected:
  static CausalLM model(const std::string& name) {
    return load_model(Checkpoint(fs::path(LETHE_FIXTURES) / "models" / name));
  }
  static std::vector<std::int64_t> all_layers(const CausalLM& model) {
    std::vector<std::int64_t> layers;
    for (std::int64_t i = 0; i < model.spec().layers; ++i) layers.push_back(i);
    return layers;
  }
  static PackedBatch row(const std::vector<int>& ids) {
    PackBuilder pack;
    pack.add(ids);
    return pack.build();
  }
  const std::vector<int> ids_{1, 9, 20, 31, 7, 8};
};

TEST_F(InnerStates, EqualThoseOfTransformersInEveryFamily) {
  const Json wanted = read_json(fs::path(LETHE_FIXTURES) / "inner_states.json");
  std::size_t families = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "models")) {
    const std::string name = entry.path().filename().string();
    ASSERT_TRUE(wanted.contains(name)) << name << ": run tools/fixtures/inner_states.py";
    const Json rows = read_json(entry.path() / "expected.json")["rows"];
    const CausalLM found = model(name);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto states = found.residuals(row(rows[r].get<std::vector<int>>()), all_layers(found));
      ASSERT_EQ(states.size(), wanted[name][r].size()) << name;
      for (std::size_t i = 0; i < states.size(); ++i) {
        const Json& layer = wanted[name][r][i];
        const at::Tensor last = at::tensor(layer["last"].get<std::vector<double>>(), at::kDouble);
        EXPECT_TRUE(at::allclose(states[i][-1].to(at::kDouble), last, 1e-4, 1e-4)) << name << " layer " << i;
        const double norm = layer["norm"].get<double>();
        EXPECT_NEAR(states[i].to(at::kDouble).norm().item<double>(), norm, 1e-4 * norm) << name << " layer " << i;
      }
    }
    ++families;
  }
  EXPECT_EQ(families, wanted.size());
}

TEST_F(InnerStates, OfSomeLayersAreThoseOfAll) {
  const CausalLM found = model("gemma2_capped");
  const auto all = found.residuals(row(ids_), all_layers(found));
  ASSERT_EQ(all.size(), 3U);
  const auto some = found.residuals(row(ids_), {0, 2});
  ASSERT_EQ(some.size(), 2U);
  EXPECT_TRUE(at::equal(some[0], all[0]));
  EXPECT_TRUE(at::equal(some[1], all[2]));
  EXPECT_TRUE(found.residuals(row(ids_), {}).empty());
}

// The gradient reaches the layers below, and the layers above are not part of it.
TEST_F(InnerStates, PassGradientsToTheLayersBelowOnlyWithAndWithoutRecomputing) {
  CausalLM found = model("llama_plain");
  for (const Parameter& parameter : found.parameters()) parameter.tensor->requires_grad_(true);
  std::vector<at::Tensor> first;
  for (const bool recompute : {false, true}) {
    found.recompute = recompute;
    found.residuals(row(ids_), {0})[0].square().sum().backward();
    std::vector<at::Tensor> gradients;
    for (const Parameter& parameter : found.parameters()) {
      const at::Tensor gradient = parameter.tensor->grad();
      const bool below = parameter.name.find("embed_tokens") != std::string::npos ||
                         parameter.name.find("layers.0.") != std::string::npos;
      EXPECT_EQ(gradient.defined() && gradient.abs().max().item<double>() > 0, below) << parameter.name;
      if (below) gradients.push_back(gradient);
      parameter.tensor->mutable_grad() = at::Tensor();
    }
    if (first.empty()) first = gradients;
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::allclose(first[i], gradients[i], 1e-5, 1e-4)) << i;
  }
}

}  // namespace
}  // namespace lethe
