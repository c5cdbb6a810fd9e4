// The layers that RMU and circuit breakers change, and the weights that RMU trains.
#include "runs/inner_layers.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "runs/tuning.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;
using Layers = std::vector<std::int64_t>;

Recipe recipe_with(const std::vector<std::string>& settings) {
  return with_settings({}, settings);
}

DecoderSpec spec_of_depth(std::int64_t layers) {
  DecoderSpec spec;
  spec.layers = layers;
  spec.names.layer = "model.layers.";
  spec.names.down = "mlp.down_proj";
  return spec;
}

CausalLM model_of(const std::string& name) {
  return load_model(Checkpoint(fs::path(LETHE_FIXTURES) / "models" / name));
}

// The names of the weights that train.
std::vector<std::string> trained(const std::string& model_name, const Recipe& recipe) {
  CausalLM model = model_of(model_name);
  const Tuning tuning(model, recipe);
  std::vector<std::string> names;
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.tensor->requires_grad()) names.push_back(parameter.name);
  }
  return names;
}

TEST(InnerLayersOfARecipe, ArePublishedOnesAtTheModelsDepthUnlessGiven) {
  EXPECT_EQ(inner_layers(recipe_with({"method=rmu"}), spec_of_depth(32)), Layers{7});
  EXPECT_EQ(inner_layers(recipe_with({"method=circuit_breakers"}), spec_of_depth(32)), (Layers{9, 19}));
  EXPECT_EQ(inner_layers(recipe_with({"method=rmu"}), spec_of_depth(3)), Layers{0});
  EXPECT_EQ(inner_layers(recipe_with({"method=rmu", "objective.layers=5"}), spec_of_depth(32)), Layers{5});
  EXPECT_EQ(inner_layers(recipe_with({"method=circuit_breakers", "objective.layers=[5, 2, 5]"}), spec_of_depth(6)),
            (Layers{2, 5}));
  for (const char* without : {"method=sku", "method=npo", "method=undial"})
    EXPECT_TRUE(inner_layers(recipe_with({without}), spec_of_depth(32)).empty()) << without;
}

TEST(InnerLayersOfARecipe, ThatTheModelDoesNotHaveAreRefused) {
  const auto refused = [](const std::vector<std::string>& settings, const std::string& part) {
    try {
      inner_layers(recipe_with(settings), spec_of_depth(6));
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused({"method=rmu", "objective.layers=6"}, "layers below 6");
  refused({"method=rmu", "objective.layers=[1, 2]"}, "one layer");
}

TEST(InnerLayersOfARecipe, RmuTrainsTheLastMatrixOfTheMlpInItsLayerAndTheTwoBelow) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(trained("gemma2_capped", recipe_with({"method=rmu", "objective.layers=1"})),
            (Names{"model.layers.0.mlp.down_proj.weight", "model.layers.1.mlp.down_proj.weight"}));
  EXPECT_EQ(trained("gpt2_plain", recipe_with({"method=rmu", "objective.layers=0"})),
            Names{"transformer.h.0.mlp.c_proj.weight"});
  EXPECT_EQ(trained("mixtral", recipe_with({"method=rmu", "objective.layers=0"})).size(), 4U);  // one of each expert
  EXPECT_EQ(trained("llama_plain", recipe_with({"method=rmu", "training.weights=final|model.norm"})),
            Names{"model.norm.weight"});
  EXPECT_TRUE(trained_weights(recipe_with({"method=circuit_breakers"}), spec_of_depth(6)).empty());
}

TEST(InnerLayersOfARecipe, RefuseARetainLossOverLogitsAndGruWithoutARetainLoss) {
  EXPECT_THROW(recipe_with({"method=rmu", "objective.retain_loss=ce"}), Error);
  EXPECT_THROW(recipe_with({"method=circuit_breakers", "objective.retain_loss=kl"}), Error);
  EXPECT_NO_THROW(recipe_with({"method=rmu", "objective.retain_loss=none"}));
  EXPECT_NO_THROW(recipe_with({"method=jensun", "objective.retain_loss=kl"}));
  EXPECT_NO_THROW(recipe_with({"method=npo", "objective.gru=true"}));
  EXPECT_THROW(recipe_with({"method=npo", "objective.gru=true", "objective.retain=0"}), Error);
  EXPECT_NO_THROW(recipe_with({"method=pdu", "objective.gru=true", "objective.retain=0"}));  // its weight rises
  EXPECT_THROW(recipe_with({"method=npo", "objective.gru=true", "objective.retain_loss=none"}), Error);
  EXPECT_THROW(recipe_with({"method=undial", "objective.gru=true"}), Error);  // its published α is 0
  EXPECT_THROW(recipe_with({"method=npo", "objective.gru=true", "training.clip=0"}), Error);
}

}  // namespace
}  // namespace lethe
