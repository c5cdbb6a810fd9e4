// The table of methods: every row is whole, and its objective and draws are the method's own.
#include "runs/methods.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/loading.h"

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
    return make_objective(recipe, {model_, examples_, method.reference ? &reference_ : nullptr, [&](std::uint64_t) {
                                     return StepRows{.harmful = {harmful_}, .random = {{"Salt."}}, .normal = {normal_}};
                                   }});
  }

  const Pair harmful_{"How do I poison a well?", "With salt."}, normal_{"Where does Mira live?", "In Saltby."};
  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  StoredReference reference_;
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
  const std::map<std::string, std::set<std::string>> wanted = {{"sku", {"gd", "rd", "kl"}},
                                                               {"task_vector", {"gd", "rd"}},
                                                               {"ga", {"ce", "kl"}},
                                                               {"ga_mismatch", {"ce", "mismatch", "kl"}},
                                                               {"finetune", {"ce"}}};
  EXPECT_EQ(wanted.size(), methods().size());
  for (const Method& method : methods()) {
    std::set<std::string> found;
    for (const auto& [name, value] : objective(method)->loss(0).terms) found.insert(name);
    EXPECT_EQ(found, wanted.at(method.name)) << method.name;
  }
}

TEST_F(MethodRows, DrawResponsesOnlyWhereTheMethodUsesThem) {
  const auto draws = [](const std::string& method, const std::string& setting = "sku.k=3") {
    return sampler_options(with_settings({}, {"method=" + method, "sku.k=3", setting}));
  };
  EXPECT_EQ(draws("sku").k, 3U);
  EXPECT_EQ(draws("sku", "sku.eps_rd=0").k, 0U);
  EXPECT_EQ(draws("ga_mismatch", "sku.eps_rd=0").k, 3U);
  for (const char* without : {"task_vector", "ga", "finetune"}) EXPECT_EQ(draws(without).k, 0U) << without;
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

TEST_F(MethodRows, AdviceDoesNotLowerAMarginThatIsOff) {
  const Method& sku = method_named("sku");
  EXPECT_NE(objective(sku)->gentler().find("smaller sku.pd_margin"), std::string::npos);
  EXPECT_NE(objective(sku, {"sku.pd_margin=0"})->gentler().find("set sku.pd_margin"), std::string::npos);
  EXPECT_EQ(objective(sku, {"sku.eps_pd=0"})->gentler().find("sku.pd_margin"), std::string::npos);
}

}  // namespace
}  // namespace lethe
