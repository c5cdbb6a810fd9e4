// The shipped recipes: each can be read, and has the paper's settings.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "recipe/objective_defaults.h"
#include "recipe/recipe.h"
#include "runs/methods.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

fs::path recipes() {
  return fs::path(LETHE_FIXTURES) / ".." / ".." / "recipes";
}

Recipe shipped(const std::string& name) {
  return load_recipe(recipes() / (name + ".yaml"));
}

TEST(ShippedRecipes, CanAllBeReadAndSurviveARoundTripThroughYaml) {
  std::set<std::string> names;
  for (const auto& file : fs::recursive_directory_iterator(recipes())) {
    const std::string folder = file.path().parent_path().filename();
    if (file.path().extension() != ".yaml" || folder == "judges" || folder == "spaces") continue;  // no recipes
    const Recipe recipe = load_recipe(file.path());
    EXPECT_EQ(parse_recipe(to_yaml(recipe), "again"), recipe) << file.path();
    names.insert(file.path().stem());
  }
  for (const char* wanted : {"opt-2.7b", "llama-2-7b", "llama-2-13b", "demo", "sku", "ga"})
    EXPECT_TRUE(names.contains(wanted)) << wanted;
}

// Liu et al. 2024 and their published code: lr 2e-4, ε (2.5, 2.5, 1), 1000 steps, batch 2, k 5, seed 8888, AdamW's own
// weight decay, linear decay without warm-up, α 1.
TEST(ShippedRecipes, OfThePapersModelsHoldItsNumbers) {
  for (const char* name : {"opt-2.7b", "llama-2-7b", "llama-2-13b"}) {
    const Recipe recipe = shipped(name);
    EXPECT_EQ(recipe.method, "sku") << name;
    EXPECT_EQ(recipe.sku.eps_gd, 2.5) << name;
    EXPECT_EQ(recipe.sku.eps_rd, 2.5) << name;
    EXPECT_EQ(recipe.sku.eps_pd, 1.0) << name;
    EXPECT_EQ(recipe.sku.k, 5) << name;
    EXPECT_EQ(recipe.training.steps, 1000) << name;
    EXPECT_EQ(recipe.training.batch, 2) << name;
    EXPECT_EQ(recipe.training.accumulate, 1) << name;
    EXPECT_EQ(recipe.training.lr, 2e-4) << name;
    EXPECT_EQ(recipe.training.weight_decay, 0.01) << name;
    EXPECT_EQ(recipe.training.schedule, ScheduleKind::linear) << name;
    EXPECT_EQ(recipe.training.warmup, 0) << name;
    EXPECT_EQ(recipe.negation.alpha, 1.0) << name;
    EXPECT_EQ(recipe.seed, 8888U) << name;
    const Template layout = recipe_template(recipe, recipes());  // of a folder without a chat template
    EXPECT_EQ(layout.text(), Template::sku_default) << name;
    EXPECT_EQ(recipe.data.split.train, 0.7) << name;
    EXPECT_FALSE(example_options(recipe, layout).append_eos) << name;
    EXPECT_FALSE(recipe.model.empty()) << name;
  }
  EXPECT_EQ(shipped("opt-2.7b").tuning, TuningKind::full);
  const auto expect_lora = [](const std::string& name, std::int64_t rank, double alpha) {
    const Recipe recipe = shipped(name);
    EXPECT_EQ(recipe.tuning, TuningKind::lora);
    EXPECT_EQ(recipe.lora.rank, rank);
    EXPECT_EQ(recipe.lora.alpha, alpha);
    EXPECT_EQ(recipe.lora.targets.suffixes, (std::vector<std::string>{"q_proj", "v_proj"}));
  };
  expect_lora("llama-2-7b", 32, 16);
  expect_lora("llama-2-13b", 16, 8);
}

TEST(ShippedRecipes, OfMethodsDifferInTheMethodAlone) {
  const auto expect_default_but = [](const std::string& name, const std::function<void(Recipe&)>& change) {
    Recipe wanted;
    change(wanted);
    EXPECT_EQ(shipped("methods/" + name), wanted) << name;
  };
  expect_default_but("sku", [](Recipe&) {});
  expect_default_but("sku_no_gd", [](Recipe& recipe) { recipe.sku.eps_gd = 0; });
  expect_default_but("sku_no_rd", [](Recipe& recipe) { recipe.sku.eps_rd = 0; });
  expect_default_but("sku_no_pd", [](Recipe& recipe) { recipe.sku.eps_pd = 0; });
  for (const Method& method : methods()) {
    if (method.name == "sku") continue;
    // A recipe with a section `objective` shows the published values there.
    const ObjectiveSettings shown =
        method.forget_retain ? shipped("methods/" + method.name).objective : ObjectiveSettings{};
    expect_default_but(method.name, [&](Recipe& recipe) {
      recipe.method = method.name;
      recipe.objective = shown;
    });
    if (!method.forget_retain) continue;
    EXPECT_TRUE(shown.forget && shown.retain) << method.name;
    EXPECT_EQ(objective_settings(shipped("methods/" + method.name)), *objective_defaults(method.id)) << method.name;
  }
}

}  // namespace
}  // namespace lethe
