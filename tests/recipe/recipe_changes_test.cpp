// Two recipes compared key by key.
#include "recipe/recipe_changes.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(RecipeChanges, NameEveryKeyThatDiffersInTheOrderOfTheRecipe) {
  const Recipe before{};
  const Recipe after =
      with_settings(before, {"seed=1", "training.lr=1e-3", "data.split.train=0.5", "lora.targets=[k_proj, v_proj]",
                             "negation.factors={mlp.*: 0.5}", "data.template=Q: {prompt}\nA: {response}"});
  std::vector<std::string> keys;
  for (const RecipeChange& change : recipe_changes(before, after)) {
    keys.push_back(change.key);
    EXPECT_EQ(change.before.find('\n'), std::string::npos) << change.key;
    EXPECT_EQ(change.after.find('\n'), std::string::npos) << change.key;
    EXPECT_NE(change.before, change.after) << change.key;
    if (change.key == "training.lr") {
      EXPECT_EQ(change.after, "0.001");
    }
    if (change.key == "lora.targets") {
      EXPECT_EQ(change.after, "[k_proj, v_proj]");
    }
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"lora.targets", "data.template", "data.split.train", "training.lr",
                                            "negation.factors", "seed"}));
}

TEST(UnreadKeys, AreThoseThatWereChangedAndThatTheMethodDoesNotRead) {
  using Keys = std::vector<std::string>;
  EXPECT_EQ(unread_keys(with_settings({}, {"method=npo", "sku.k=3", "objective.beta=1", "objective.steer=4"})),
            (Keys{"sku.k", "objective.steer"}));
  EXPECT_EQ(unread_keys(with_settings({}, {"method=npo", "sku.k=5", "training.lr=1e-3"})), Keys{});  // sku.k: default
}

TEST(RecipeChanges, AreNoneOfEqualRecipes) {
  EXPECT_TRUE(recipe_changes({}, {}).empty());
  Recipe bytes;
  bytes.model = "caf\xe9";  // no UTF-8
  EXPECT_TRUE(recipe_changes(bytes, bytes).empty());
  EXPECT_EQ(recipe_changes({}, bytes).size(), 1U);
}

}  // namespace
}  // namespace lethe
