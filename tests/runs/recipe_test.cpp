#include "runs/recipe.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "runs/divergence_meter.h"

namespace lethe {
namespace {

std::string message_of(const std::vector<std::string>& overrides) {
  try {
    load_recipe("", overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Recipe, DefaultsAreTheContracts) {
  const Recipe recipe = load_recipe("");
  EXPECT_EQ(recipe.sku.eps_gd, 2.5);
  EXPECT_EQ(recipe.sku.k, 5);
  EXPECT_EQ(recipe.training.weight_decay, 0);
  EXPECT_FALSE(recipe.negation.alpha.has_value());
  EXPECT_EQ(recipe.seed, 8888U);
}

TEST(Recipe, SurvivesAWayThroughYaml) {
  const Recipe recipe = load_recipe(
      "", {"lora.targets=all-linear", "training.lr=1e-3", "negation.alpha=0.75",
           "data.harmful=[a.jsonl, {path: b.csv, prompt: goal}]", "data.template=Q: {prompt} # A: {response}",
           "lora={rank: 8, alpha: 4}", "data.split={train: 0.5}"});
  const auto path = std::filesystem::path(testing::TempDir()) / "recipe.yaml";
  write_file(path, to_yaml(recipe));
  EXPECT_EQ(load_recipe(path), recipe);
  EXPECT_EQ(recipe.lora.rank, 8);
  EXPECT_EQ(recipe.data.harmful[1].prompt, "goal");
}

TEST(Recipe, TakesOneJudgeOrSeveral) {
  EXPECT_EQ(load_recipe("", {"evaluation.judge=refusal"}).evaluation.judge, std::vector<std::string>{"refusal"});
  const Recipe several = load_recipe("", {"evaluation.judge=[judge.json, guard.yaml:model=/m]"});
  EXPECT_EQ(several.evaluation.judge, (std::vector<std::string>{"judge.json", "guard.yaml:model=/m"}));
  EXPECT_EQ(parse_recipe(to_yaml(several), "again", {}), several);
  for (const char* wrong : {"evaluation.judge=[]", "evaluation.judge=[refusal, none]", "evaluation.judge={a: b}",
                            "evaluation.threshold=1", "evaluation.threshold=-0.1"})
    EXPECT_NE(message_of({wrong}).find("evaluation."), std::string::npos) << wrong;
}

TEST(Recipe, AnUnknownKeyNamesTheNearestOne) {
  EXPECT_NE(message_of({"training.step=5"}).find("training.steps"), std::string::npos);
  EXPECT_NE(message_of({"lora={rnk: 5}"}).find("lora.rank"), std::string::npos);
}

TEST(Recipe, WrongValuesAreRefusedByKey) {
  for (const char* wrong :
       {"training.steps=-1", "training.steps=many", "training.lr=0", "tuning=half", "data.template=no places",
        "negation.alpha=some", "training.steps=0", "data.append_eos=perhaps", "sku=5"}) {
    const std::string key = std::string(wrong).substr(0, std::string(wrong).find('='));
    EXPECT_FALSE(message_of({wrong}).empty()) << wrong;
    if (key != "data.template") {
      EXPECT_NE(message_of({wrong}).find(key), std::string::npos) << message_of({wrong});
    }
  }
}

TEST(Alpha, IsTheLargestWithinTheBudget) {
  const auto quadratic = [](double alpha) { return alpha * alpha; };
  EXPECT_NEAR(choose_alpha(quadratic, 0.3).alpha, std::sqrt(0.3), 0.1 / 32);
  EXPECT_LE(quadratic(choose_alpha(quadratic, 0.3).alpha), 0.3);
  EXPECT_EQ(choose_alpha(quadratic, 5).alpha, 1);
  EXPECT_EQ(choose_alpha([](double) { return 9.0; }, 0.3).alpha, 0);
  // Not monotonic: the largest that fits counts.
  EXPECT_NEAR(choose_alpha([](double alpha) { return alpha > 0.35 && alpha < 0.65 ? 1.0 : 0.1; }, 0.3).alpha, 1, 1e-9);
}

// Errors and nothing else, in no time: a recipe may come from a stranger, too.
TEST(HostileRecipe, KeysNumbersAndNestingThatCannotBeAreRefused) {
  const auto refused = [](const std::string& yaml) {
    try {
      parse_recipe(yaml, "r.yaml");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const char* yaml : {"data: {harmful: {[a]: b}}", "data: {? {a: b} : 1}", "negation: {factors: {[a]: 1}}",
                           "? [a]\n: 1", "lora: {[rank]: 1}", "{}: {}"})
    EXPECT_NE(refused(yaml).find("key"), std::string::npos) << yaml << ": " << refused(yaml);
  for (const char* yaml : {"training: {steps: 99999999999999999999}", "training: {steps: -1}", "training: {lr: .nan}",
                           "training: {lr: 1e999}", "training: {lr: -.inf}", "seed: 18446744073709551616", "seed: 1e3"})
    EXPECT_NE(refused(yaml), "") << yaml;
  EXPECT_NE(refused("seed: 1\nseed: 2"), "");
  EXPECT_NE(refused(std::string(100'000, '[')), "");
  EXPECT_NE(refused("a: &a [*a]\ndata: {harmful: *a}"), "");
}

}  // namespace
}  // namespace lethe
