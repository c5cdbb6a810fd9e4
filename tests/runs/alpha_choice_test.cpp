// The limits of α that a recipe sets, and what results.json says of the choice.
#include "runs/alpha_choice.h"

#include <gtest/gtest.h>

#include "core/messages.h"
#include "recipe/method_table.h"

namespace lethe {
namespace {

TEST(RefusalBudget, IsFivePointsForContrastAndOffForOthersUnlessGiven) {
  Recipe recipe;
  for (const Method& method : methods()) {
    recipe.method = method.name;
    recipe.negation.refusal_budget.reset();
    EXPECT_EQ(refusal_budget(recipe), method.name == "contrast" ? 0.05 : 1) << method.name;
    recipe.negation.refusal_budget = 0.2;
    EXPECT_EQ(refusal_budget(recipe), 0.2) << method.name;
  }
}

TEST(AlphaInResults, HoldsTheSecondLimitWhereItWasMeasured) {
  AlphaChoice choice;
  choice.alpha = 0.25;
  choice.curve = {
      {.alpha = 0.25, .kl = 0.1, .refusing = 0.125}, {.alpha = 0.5, .kl = 0.2, .refusing = 0.5}, {.alpha = 1}};
  OrderedJson plain, limited;
  add_alpha(choice, plain);
  EXPECT_FALSE(plain.at("alpha_choice").contains("refusal_budget"));
  choice.refusals = RefusalLimit{.original = 0.1, .budget = 0.05, .prompts = 120};
  choice.lowered = true;
  add_alpha(choice, limited);
  EXPECT_EQ(limited.at("alpha"), 0.25);
  const OrderedJson& chosen = limited.at("alpha_choice");
  EXPECT_EQ(chosen.at("refusing"), 0.125);
  EXPECT_EQ(chosen.at("refusing_original"), 0.1);
  EXPECT_EQ(chosen.at("refusal_budget"), 0.05);
  EXPECT_EQ(chosen.at("refusal_prompts"), 120);
  EXPECT_TRUE(chosen.at("lowered_by_refusals").get<bool>());
  EXPECT_EQ(limited.at("alpha_curve").at(1).at("refusing"), 0.5);
  EXPECT_FALSE(limited.at("alpha_curve").at(2).contains("refusing")) << "not measured";
  OrderedJson given;
  add_alpha({.alpha = 0.7}, given);
  EXPECT_EQ(given.dump(), R"({"alpha":0.7})");
}

TEST(AlphaInResults, TheErrorOfASinglePairIsUnknown) {
  AlphaChoice choice;
  choice.alpha = 1;
  choice.curve = {{.alpha = 0.5, .kl = 0.1, .standard_error = 0.01, .pairs = 2}, {.alpha = 1, .kl = 0.2, .pairs = 1}};
  OrderedJson results;
  add_alpha(choice, results);
  EXPECT_TRUE(results.at("alpha_choice").at("standard_error").is_null());
  EXPECT_EQ(results.at("alpha_curve").at(0).at("standard_error"), 0.01);
}

TEST(RefusalCheck, DoesNotLimitByPromptsThatDoNotExist) {
  StoredModel original(std::string(LETHE_FIXTURES) + "/../../assets/demo");
  const CausalLM model = original.load({});
  original.spec.max_positions = 2;  // every prompt is longer
  const RunData data{.examples = original.examples({})};
  const RefusalCheck check = check_refusals(with_settings({}, {"method=contrast"}), original, model, data, nullptr);
  EXPECT_EQ(check.meter, nullptr);
}

}  // namespace
}  // namespace lethe
