// The table of methods: every row is whole, and its objective and draws are the method's own.
#include "runs/methods.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/loading.h"
#include "objectives/inner_states.h"
#include "recipe/objective_defaults.h"
#include "recipe/recipe_page.h"
#include "runs/forgetting.h"
#include "runs/inner_layers.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class MethodRows : public testing::Test {
 protected:
  MethodRows()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        model_(load_model(base_)),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}),
        reference_(model_, examples_, std::vector<Pair>{normal_}) {}

  std::unique_ptr<Objective> objective(const Method& method, const std::vector<std::string>& settings = {}) {
    const Recipe recipe = with_settings(with_settings({}, {"method=" + method.name}), settings);
    if (method.forget_retain) return forget_retain(recipe, method);
    return make_objective(recipe, {model_, examples_, method.reference ? &reference_ : nullptr, [&](std::uint64_t) {
                                     return StepRows{.harmful = {harmful_}, .random = {{"Salt."}}, .normal = {normal_}};
                                   }});
  }

  std::unique_ptr<Objective> forget_retain(const Recipe& recipe, const Method& method) {
    StepRows rows{.harmful = {harmful_}, .normal = {normal_}};
    if (method.safe_answers) rows.random = {{"Salt."}};
    const auto layers = inner_layers(recipe, model_.spec());
    if (layers.empty()) {
      references_.push_back(std::make_unique<AdapterOffReference>(model_, examples_));
    } else {
      references_.push_back(std::make_unique<InnerReference>(std::make_unique<AdapterOffOriginal>(
          model_, examples_, [layers](const CausalLM& model, const PackedExamples& packed) {
            return inner_states(model, packed, layers);
          })));
    }
    const bool states = method.harmful_reference == HarmfulReference::states || needs_normal_reference(recipe);
    const bool losses = method.harmful_reference == HarmfulReference::losses;
    return make_forget_retain(recipe, {.model = model_,
                                       .examples = examples_,
                                       .rows = [rows](std::uint64_t) { return rows; },
                                       .reference = states ? references_.back().get() : nullptr,
                                       .losses = losses ? &losses_ : nullptr});
  }

  const Pair harmful_{"How do I poison a well?", "With salt."}, normal_{"Where does Mira live?", "In Saltby."};
  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  StoredReference reference_;
  AdapterOffOriginal losses_{model_, examples_, response_losses};
  std::vector<std::unique_ptr<Reference>> references_;
};

TEST_F(MethodRows, AreWhole) {
  for (const Method& method : methods()) {
    EXPECT_EQ(&method_named(method.name), &method);
    EXPECT_TRUE(method.description.ends_with(".")) << method.name;
    EXPECT_FALSE(method.source.empty()) << method.name;
    EXPECT_FALSE(method.title.empty()) << method.name;
  }
}

// A method that needs no reference never uses one; its terms are those it lists.
TEST_F(MethodRows, HaveAnObjectiveOfTheirOwn) {
  std::map<std::string, std::set<std::string>> wanted = {{"sku", {"gd", "rd", "kl"}},
                                                         {"task_vector", {"gd", "rd"}},
                                                         {"contrast", {"safe", "kl"}},
                                                         {"ga", {"ce", "kl"}},
                                                         {"ga_mismatch", {"ce", "mismatch", "kl"}},
                                                         {"finetune", {"ce"}}};
  for (const char* without : {"undial", "ce_u", "flat"}) wanted[without] = {"forget"};
  wanted["pdu"] = {"forget", "retain", "dual"};
  wanted["safe_unlearning"] = {"forget", "safe", "retain"};
  for (const Method& method : methods()) {
    if (method.forget_retain) wanted.try_emplace(method.name, std::set<std::string>{"forget", "retain"});
    const std::unique_ptr<Objective> made = objective(method);
    const StepLoss loss = made->loss(0);
    std::set<std::string> found;
    for (const auto& [name, value] : loss.terms) found.insert(name);
    EXPECT_EQ(found, wanted.at(method.name)) << method.name;
    if (method.forget_retain) {
      const std::vector<std::string> listed = made->terms();
      EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), found) << method.name;
    }
  }
  EXPECT_EQ(wanted.size(), methods().size());
}

// Only methods with a section `objective` read its keys, and each reads the weights of its terms.
TEST_F(MethodRows, HavePublishedSettingsIfTheyForgetAndRetain) {
  for (const Method& method : methods()) {
    const ObjectiveSettings* published = objective_defaults(method.id);
    ASSERT_EQ(published != nullptr, method.forget_retain) << method.name;
    if (published == nullptr) continue;
    EXPECT_TRUE(published->forget && published->retain) << method.name;
    Recipe recipe;
    recipe.method = method.name;
    EXPECT_EQ(objective_settings(recipe), *published) << method.name;
    EXPECT_TRUE(key_named("objective.forget").concerns(method.id)) << method.name;
    EXPECT_EQ(key_named("objective.beta").concerns(method.id), published->beta.has_value()) << method.name;
    const std::string printed = commented_recipe(&method);
    EXPECT_NE(printed.find("auto: "), std::string::npos) << method.name;
  }
  Recipe recipe = with_settings({}, {"method=npo", "objective.beta=0.5", "objective.retain_loss=kl"});
  EXPECT_EQ(objective_settings(recipe).beta, 0.5);
  EXPECT_EQ(objective_settings(recipe).retain_loss, RetainLoss::kl);
  EXPECT_EQ(objective_settings(recipe).retain, 1);
}

// A recipe that once belonged to another method must not change this one: npo with objective.safe once failed within
// LibTorch, and dpo got a term that it does not have.
TEST_F(MethodRows, TakeNoValueOfAKeyThatTheyDoNotRead) {
  for (const Method& method : methods()) {
    if (!method.forget_retain) continue;
    const Recipe own = with_settings({}, {"method=" + method.name});
    Recipe other = own;
    const auto mark = [&](const char* key, auto& field, auto value) {
      if (!key_named(key).concerns(method.id)) field = value;
    };
    mark("objective.beta", other.objective.beta, 3.0);
    mark("objective.beta2", other.objective.beta2, 3.0);
    mark("objective.delta", other.objective.delta, 3.0);
    mark("objective.safe", other.objective.safe, 3.0);
    mark("objective.steer", other.objective.steer, 3.0);
    mark("objective.layers", other.objective.layers, std::vector<std::int64_t>{1});
    mark("objective.eps", other.objective.eps, 3.0);
    mark("objective.dual_rate", other.objective.dual_rate, 3.0);
    mark("objective.skip", other.objective.skip, std::int64_t{3});
    EXPECT_FALSE(own == other) << method.name;
    EXPECT_EQ(objective_settings(other), objective_settings(own)) << method.name;
  }
}

TEST_F(MethodRows, ReadTheOriginalOnNormalPairsOnlyForAKlOrALossOfTheirOwn) {
  const auto needs = [](const std::vector<std::string>& settings) {
    return needs_normal_reference(with_settings({}, settings));
  };
  EXPECT_TRUE(needs({"method=kl_min"}));
  EXPECT_FALSE(needs({"method=npo"}));
  EXPECT_TRUE(needs({"method=npo", "objective.retain_loss=kl"}));
  EXPECT_FALSE(needs({"method=npo", "objective.retain_loss=kl", "objective.retain=0"}));
  EXPECT_FALSE(needs({"method=kl_min", "objective.retain_loss=none"}));
  EXPECT_TRUE(needs({"method=jensun"}));
  EXPECT_TRUE(needs({"method=sku"}));
  EXPECT_FALSE(needs({"method=finetune"}));
}

TEST_F(MethodRows, DrawResponsesOnlyWhereTheMethodUsesThem) {
  const auto draws = [](const std::string& method, const std::string& setting = "sku.k=3") {
    return sampler_options(with_settings({}, {"method=" + method, "sku.k=3", setting}));
  };
  EXPECT_EQ(draws("sku").k, 3U);
  EXPECT_EQ(draws("sku", "sku.eps_rd=0").k, 0U);
  EXPECT_EQ(draws("ga_mismatch", "sku.eps_rd=0").k, 3U);
  for (const char* without : {"task_vector", "contrast", "ga", "finetune"}) EXPECT_EQ(draws(without).k, 0U) << without;
  EXPECT_EQ(draws("sku").draw, SamplerOptions::Draw::harmful);
  EXPECT_EQ(draws("ga_mismatch").draw, SamplerOptions::Draw::normal);
}

TEST_F(MethodRows, AdviceNamesSettingsThatTheMethodHas) {
  for (const Method& method : methods()) {
    const std::string gentler = objective(method)->gentler();
    EXPECT_NE(gentler.find("training.steps"), std::string::npos) << method.name;
    EXPECT_EQ(gentler.find("sku.pd_margin") != std::string::npos, method.name == "sku") << method.name;
    EXPECT_EQ(gentler.find("ga.") != std::string::npos, method.name.starts_with("ga")) << method.name;
  }
}

TEST_F(MethodRows, TheHalvesOfContrastAreRecipesOfTheirOwn) {
  const Recipe recipe =
      with_settings({}, {"method=contrast", "training.steps=9", "safe.steps=7", "safe.lr=0.5", "sku.k=3"});
  EXPECT_EQ(harmful_half(recipe).method, "sku");
  EXPECT_EQ(harmful_half(with_settings(recipe, {"safe.harm=task_vector"})).method, "task_vector");
  EXPECT_EQ(sampler_options(harmful_half(recipe)).k, 3U);
  EXPECT_EQ(safe_half(recipe).training.steps, 7);
  EXPECT_EQ(safe_half(recipe).training.lr, 0.5);
  EXPECT_EQ(safe_half(with_settings(recipe, {"safe.steps=auto", "safe.lr=auto"})).training, recipe.training);
  const auto origin = [](const std::vector<std::string>& settings) { return origin_of(with_settings({}, settings)); };
  EXPECT_EQ(origin({"method=contrast"}), Origin::contrast);
  EXPECT_EQ(origin({"method=contrast", "safe.ratio=0"}), Origin::training);
  EXPECT_EQ(origin({"method=sku"}), Origin::negation);
  EXPECT_EQ(origin({"method=ga"}), Origin::training);
}

TEST_F(MethodRows, AdviceDoesNotLowerAMarginThatIsOff) {
  const Method& sku = method_named("sku");
  EXPECT_NE(objective(sku)->gentler().find("smaller sku.pd_margin"), std::string::npos);
  EXPECT_NE(objective(sku, {"sku.pd_margin=0"})->gentler().find("set sku.pd_margin"), std::string::npos);
  EXPECT_EQ(objective(sku, {"sku.eps_pd=0"})->gentler().find("sku.pd_margin"), std::string::npos);
}

}  // namespace
}  // namespace lethe
