// The space of a search: what it accepts, and the trials drawn from it.
#include "experiments/trial_space.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/numbers.h"

namespace lethe {
namespace {

std::string refused_space(const std::string& yaml, const Recipe& base = {}) {
  try {
    const TrialSpace space = parse_space(yaml, "space.yaml", base);
    check_effects(space, {base});
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Space, HoldsListsAndRangesAlsoInSections) {
  const TrialSpace space = parse_space(
      "training.lr: {min: 1e-5, max: 1.0e-3, log: true}\nsku:\n  k: {min: 1, max: 3}\n  eps_pd: [0.5, 1]\n"
      "lora: {targets: [all-linear, [q_proj, v_proj]]}\ntuning: [lora]\n",
      "space.yaml", {});
  ASSERT_EQ(space.keys.size(), 5U);
  EXPECT_EQ(space.keys[0].name, "training.lr");
  EXPECT_TRUE(space.keys[0].log);
  EXPECT_FALSE(space.keys[0].whole);
  EXPECT_TRUE(space.keys[1].whole);
  EXPECT_EQ(space.keys[2].values, (std::vector<std::string>{"0.5", "1"}));
  EXPECT_EQ(space.keys[3].values, (std::vector<std::string>{"all-linear", "[q_proj, v_proj]"}));
  EXPECT_EQ(space.text().substr(0, 31), "training.lr 1e-05 to 0.001 (log");
}

TEST(Space, RefusesWhatNoTrialCouldUse) {
  EXPECT_NE(refused_space("sku.eps_pdd: [1]").find("sku.eps_pd"), std::string::npos);  // the nearest key
  EXPECT_NE(refused_space("traning:\n  lr: [1e-4]").find("no such key"), std::string::npos);
  EXPECT_NE(refused_space("seed: [1, 2]").find("not about training"), std::string::npos);
  EXPECT_NE(refused_space("data.max_length: [8]").find("not about training"), std::string::npos);
  EXPECT_NE(refused_space("sku.k: [1]\nsku: {k: [2]}").find("given twice"), std::string::npos);
  EXPECT_NE(refused_space("ga.eps_kl: [1]").find("without effect"), std::string::npos);  // another method's
  EXPECT_NE(refused_space("lora.rank: [4]").find("tuning: lora"), std::string::npos);
  EXPECT_NE(refused_space("sku.eps_pd: [1, -1]").find("space.yaml, line 1"), std::string::npos);  // out of range
  EXPECT_NE(refused_space("training.lr: {min: 1, max: 100}").find("100"), std::string::npos);
  for (const char* yaml : {"", "[1]", "sku.k: 3", "sku.k: []", "training.lr: {min: 1}", "training.lr: {min: 2, max: 1}",
                           "training.lr: {min: 0, max: 1, log: true}", "training.lr: {min: 0, max: .nan}",
                           "training.lr: {min: 0.1, max: 1, step: 2}", "method: {min: 1, max: 2}", "sku.k: {least: 1}",
                           "method: [skuu]", "? [a]\n: [1]"})
    EXPECT_NE(refused_space(yaml), "no error") << yaml;
  Recipe lora;
  lora.tuning = TuningKind::lora;
  EXPECT_EQ(refused_space("lora.rank: [4]", lora), "no error");
  EXPECT_EQ(refused_space("ga.eps_kl: [1]\nmethod: [sku, ga]"), "no error");
}

TEST(Space, OfSeveralRecipesNeedsOneThatReadsEachKey) {
  const TrialSpace space = parse_space("sku.k: [1, 2]\nobjective.beta: [0.1, 1]\ntraining.lr: [1e-4]\n", "s", {});
  const auto recipe = [](const std::string& method) { return with_settings({}, {"method=" + method}); };
  EXPECT_NO_THROW(check_effects(space, {recipe("sku"), recipe("npo")}));
  EXPECT_THROW(check_effects(space, {recipe("sku"), recipe("ga")}), Error);   // objective.beta
  EXPECT_THROW(check_effects(space, {recipe("npo"), recipe("dpo")}), Error);  // sku.k
}

TEST(Space, TheShippedOnesCanBeUsed) {
  std::size_t count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(LETHE_FIXTURES) / "../../recipes/spaces")) {
    const TrialSpace space = load_space(file.path(), {});
    EXPECT_GT(draw_trials(space, {}, 10, 1).size(), 9U) << file.path();
    if (file.path().filename() == "sku.yaml") check_effects(space, {Recipe()});
    ++count;
  }
  EXPECT_GE(count, 2U);
}

TEST(Trials, BeginWithTheRecipeAndGoOnTheSameWay) {
  const Recipe base;
  const TrialSpace space =
      parse_space("training.lr: {min: 1e-5, max: 1e-3, log: true}\nsku.k: {min: 1, max: 4}\n", "s", base);
  const std::vector<Variant> few = draw_trials(space, base, 5, 8888), many = draw_trials(space, base, 200, 8888);
  ASSERT_EQ(many.size(), 200U);
  EXPECT_EQ(many[0].recipe, base);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].label(), many[i].label());
  EXPECT_NE(draw_trials(space, base, 5, 1)[1].label(), few[1].label());
  std::set<std::int64_t> draws;
  std::set<std::string> labels;
  double below = 0;
  for (std::size_t i = 1; i < many.size(); ++i) {
    const Recipe& recipe = many[i].recipe;
    draws.insert(recipe.sku.k);
    labels.insert(many[i].label());
    EXPECT_GE(recipe.training.lr, 1e-5);
    EXPECT_LE(recipe.training.lr, 1e-3);
    below += recipe.training.lr < 1e-4 ? 1 : 0;
    EXPECT_EQ(recipe.training.steps, base.training.steps);
  }
  EXPECT_EQ(draws, (std::set<std::int64_t>{1, 2, 3, 4}));  // both ends
  EXPECT_EQ(labels.size(), 199U);
  EXPECT_NEAR(below / 199, 0.5, 0.12);  // half of the logarithms; 9% of the numbers
}

TEST(Trials, AreNoMoreThanTheSpaceHolds) {
  const Recipe base;
  const TrialSpace space = parse_space("sku.k: [1, 5]\nsku.eps_pd: [1, 2]\n", "s", base);
  EXPECT_EQ(draw_trials(space, base, 50, 1).size(), 4U);  // one of them is the recipe itself: k 5, eps_pd 1
}

TEST(Trials, HoldOnlyKeysThatTheirMethodReads) {
  const Recipe base;
  const TrialSpace space =
      parse_space("ga.eps_kl: [0.5, 2]\nsku.eps_pd: [0.5, 2]\nmethod: [sku, ga, task_vector]\n", "s", base);
  std::set<std::string> labels;
  for (const Variant& trial : draw_trials(space, base, 50, 1)) labels.insert(trial.label());
  EXPECT_EQ(labels, (std::set<std::string>{"", "sku.eps_pd=0.5 method=sku", "sku.eps_pd=2 method=sku",
                                           "ga.eps_kl=0.5 method=ga", "ga.eps_kl=2 method=ga", "method=task_vector"}));
}

}  // namespace
}  // namespace lethe
