// Impossible numbers in a recipe are refused by key before data is read or memory is allocated.
#include "recipe/recipe_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "recipe/recipe.h"
#include "tensors/device.h"

namespace lethe {
namespace {

std::string refusal_of_setting(const std::string& setting) {
  try {
    load_recipe("", {setting});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage) << setting;
    return error.what();
  }
  return "";
}

TEST(RecipeBounds, ASettingOutOfRangeIsRefusedByKeyWithWantedAndFound) {
  for (const std::string setting : {"lora.alpha=0",
                                    "lora.alpha=-16",
                                    "lora.alpha=1e300",
                                    "lora.rank=0",
                                    "lora.rank=1000000000",
                                    "lora.dropout=1",
                                    "data.max_length=0",
                                    "data.max_length=99999999999",
                                    "data.split.train=1.5",
                                    "data.split.cosine=2",
                                    "sku.eps_gd=1e300",
                                    "sku.eps_rd=-1",
                                    "sku.eps_pd=1e9",
                                    "sku.k=1000000000000",
                                    "sku.pd_margin=1e300",
                                    "ga.eps_kl=1e300",
                                    "ga.eps_mismatch=1e300",
                                    "training.steps=9000000000000000000",
                                    "training.batch=1000000000000",
                                    "training.accumulate=1000000000000",
                                    "training.lr=1e300",
                                    "training.lr=11",
                                    "training.warmup=99999999999",
                                    "training.weight_decay=1e300",
                                    "training.clip=1e300",
                                    "training.snapshot_steps=99999999999",
                                    "training.snapshot_minutes=1e300",
                                    "negation.alpha=-0.5",
                                    "negation.alpha=1e300",
                                    "negation.kl_budget=1e300",
                                    "negation.kl_budget=0",
                                    "negation.factors={mlp: 1e300}",
                                    "negation.rank=99999999999",
                                    "negation.repair.steps=99999999999",
                                    "negation.repair.lr=1e300",
                                    "negation.repair.alpha=1e300",
                                    "evaluation.threshold=1",
                                    "evaluation.prompts=9000000000000000000",
                                    "evaluation.max_new_tokens=9000000000000000000",
                                    "evaluation.window=99999999999",
                                    "evaluation.stride=99999999999",
                                    "evaluation.overlap.jaccard=1e300",
                                    "threads=4294967297"}) {
    const std::string message = refusal_of_setting(setting), key = setting.substr(0, setting.find('='));
    for (const std::string& word : {key, std::string("wanted"), std::string("found")})
      EXPECT_NE(message.find(word), std::string::npos) << setting << ": " << message;
  }
}

TEST(RecipeBounds, ValuesThatPeopleUseAreTaken) {
  for (const char* setting :
       {"negation.alpha=0", "negation.alpha=0.5", "negation.alpha=auto", "lora.alpha=0.5", "lora.rank=4096",
        "training.lr=3", "training.clip=1e9", "training.batch=4096", "training.accumulate=1024", "sku.k=0",
        "sku.pd_margin=0", "sku.eps_pd=0", "negation.kl_budget=1e-12", "negation.factors={mlp: 0, attn: -1}",
        "data.max_length=131072", "evaluation.prompts=0", "evaluation.overlap.jaccard=2", "threads=256",
        "training.weight_decay=0.1"})
    EXPECT_EQ(refusal_of_setting(setting), "") << setting;
}

TEST(RecipeBounds, ADecayThatTakesMoreThanTheWholeWeightIsRefused) {
  EXPECT_THROW(load_recipe("", {"training.lr=1", "training.weight_decay=2"}), Error);
  EXPECT_NO_THROW(load_recipe("", {"training.lr=1e-3", "training.weight_decay=2"}));
}

TEST(RecipeBounds, AnAlphaAboveOneMustBeAskedFor) {
  EXPECT_NE(refusal_of_setting("negation.alpha=2").find("negation.allow_any_alpha=true"), std::string::npos);
  EXPECT_EQ(refusal_of_setting("negation.alpha=1"), "");
  EXPECT_EQ(load_recipe("", {"negation.alpha=2", "negation.allow_any_alpha=true"}).negation.alpha, 2);
  EXPECT_THROW(load_recipe("", {"negation.alpha=-1", "negation.allow_any_alpha=true"}), Error);  // it adds the harm
  EXPECT_THROW(load_recipe("", {"negation.repair={steps: 2, alpha: 2}"}), Error);
  const std::vector<double> alphas{0.5, 2};
  EXPECT_THROW(check_alphas("--alpha", alphas, false, "--allow-any-alpha"), Error);
}

TEST(RecipeBounds, NanIsRefusedWhoeverSetIt) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double wrong : {nan, inf, -inf}) {
    Recipe alpha, dropout, factor;
    alpha.negation.alpha = wrong;
    dropout.lora.dropout = wrong;
    factor.negation.factors = {{"mlp", wrong}};
    for (const Recipe& recipe : {alpha, dropout, factor}) EXPECT_THROW(check_recipe(recipe), Error) << wrong;
    const std::vector<double> list{0.5, wrong};
    EXPECT_THROW(check_alphas("--alpha", list, true, ""), Error);
    EXPECT_THROW(check_budgets("--budgets", list), Error);
  }
  const std::vector<double> fine{0.25, 0.5, 2};
  EXPECT_NO_THROW(check_alphas("--alpha", fine, true, ""));
  EXPECT_NO_THROW(check_budgets("--budgets", fine));
}

TEST(ComputeType, IsNamedByFourWords) {
  for (const std::string& word : all_words<ComputeType>()) EXPECT_EQ(word_of(compute_type_named(word)), word);
  EXPECT_EQ(compute_type_named("auto"), ComputeType::automatic);
  EXPECT_THROW(compute_type_named("float64"), Error);
}

TEST(Threads, MoreThanAnyMachineHasAreRefusedBeforeTheyAreStarted) {
  EXPECT_THROW(choose_compute("cpu", ComputeType::float32, 2'000'000'000), Error);
  EXPECT_THROW(choose_compute("cpu", ComputeType::float32, -1), Error);
}

}  // namespace
}  // namespace lethe
