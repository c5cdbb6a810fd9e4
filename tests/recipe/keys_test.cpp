// The table of keys: complete, in order, and printed as users see it.
#include "recipe/keys.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "recipe/recipe.h"
#include "recipe/recipe_page.h"

namespace lethe {
namespace {

std::string refusal_of(const std::vector<std::string>& settings) {
  try {
    load_recipe("", settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "";
}

void expect_in(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

std::string section_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

TEST(RecipeKeys, EachHasANameOfItsOwnAndASentence) {
  std::set<std::string> names;
  for (const RecipeKey& key : recipe_key_table()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_TRUE(key.about.ends_with(".")) << key.name;
    if (key.kind == ValueKind::number || key.kind == ValueKind::auto_number || key.kind == ValueKind::factors) {
      EXPECT_TRUE(key.range) << key.name;
    }
    EXPECT_TRUE(!key.literal || key.kind == ValueKind::text) << key.name;
    EXPECT_EQ(find_key(key.name), &key);
  }
  EXPECT_EQ(find_key("training"), nullptr);
  EXPECT_THROW(key_named("training.step"), Error);
}

TEST(RecipeKeys, EverySectionIsDescribedAndNoOther) {
  std::set<std::string> used, described;
  for (const RecipeKey& key : recipe_key_table()) used.insert(section_of(key.name));
  used.erase("");
  for (const auto& [name, about] : recipe_sections()) {
    EXPECT_TRUE(described.insert(name).second) << name;
    EXPECT_TRUE(about.ends_with(".")) << name;
  }
  EXPECT_EQ(used, described);
}

TEST(RecipeKeys, DefaultsAreWithinTheirRangesAndWords) {
  EXPECT_NO_THROW(check_recipe({}));
  for (const RecipeKey& key : recipe_key_table()) {
    for (const std::string& word : key.words) {
      if (key.name == "quantize") continue;  // nf4 needs adapters: below
      EXPECT_EQ(refusal_of({key.name + "=" + word}), "") << key.name << " " << word;
    }
    if (!key.words.empty()) expect_in(refusal_of({key.name + "=no_such_word"}), {key.name, key.words[0], key.words[1]});
  }
  EXPECT_EQ(refusal_of({"tuning=lora", "quantize=nf4"}), "");
  expect_in(refusal_of({"quantize=nf4"}), {"nf4 with tuning: lora"});
}

TEST(RecipeKeys, WordsAreReadOnceAndWrittenBack) {
  const Recipe recipe = load_recipe("", {"tuning=lora", "quantize=nf4", "training.schedule=cosine", "sku.reduction=sum",
                                         "data.split.by=similarity", "dtype=bfloat16"});
  EXPECT_EQ(recipe.tuning, TuningKind::lora);
  EXPECT_EQ(recipe.quantize, Quantize::nf4);
  EXPECT_EQ(recipe.training.schedule, ScheduleKind::cosine);
  EXPECT_EQ(recipe.sku.reduction, Reduction::sum);
  EXPECT_EQ(recipe.data.split.by, SplitBy::similarity);
  EXPECT_EQ(recipe.dtype, ComputeType::bfloat16);
  expect_in(to_yaml(recipe), {"tuning: lora\n", "quantize: nf4\n", "schedule: cosine\n", "reduction: sum\n",
                              "by: similarity\n", "dtype: bfloat16\n"});
  EXPECT_EQ(parse_recipe(to_yaml(recipe), "again"), recipe);
}

TEST(RecipeKeys, LayersAreOneNumberAListOrAuto) {
  const auto layers = [](const std::string& value) {
    const Recipe recipe = load_recipe("", {"method=rmu", "objective.layers=" + value});
    EXPECT_EQ(parse_recipe(to_yaml(recipe), "again"), recipe);
    return recipe.objective.layers;
  };
  EXPECT_EQ(layers("auto"), (std::vector<std::int64_t>{}));
  EXPECT_EQ(layers("7"), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(layers("[9, 19]"), (std::vector<std::int64_t>{9, 19}));
  for (const char* wrong : {"seven", "-1", "[1, -2]", "[1, [2]]", "{a: 1}", "1.5"})
    expect_in(refusal_of({std::string("objective.layers=") + wrong}), {"a layer's number, a list of them, or auto"});
  expect_in(refusal_of({"objective.layers=[3, 10001]"}), {"objective.layers", "auto, or 0 to 10,000", "10,001"});
  expect_in(refusal_of({"objective.skip=-1"}), {"a whole number, or auto"});
}

TEST(RecipeKeys, AWrongDtypeIsRefusedByKeyBeforeAnythingIsLoaded) {
  expect_in(refusal_of({"dtype=float64"}),
            {"cannot use dtype=float64", "auto, float32, bfloat16, float16", "found   float64"});
}

TEST(RecipeKeys, AnErrorNamesTheKeyOnce) {
  for (const char* setting : {"dtype=float64", "training.lr=fast", "training.lrr=1"})
    EXPECT_EQ(refusal_of({setting}).find("\n  key "), std::string::npos) << refusal_of({setting});
  expect_in(refusal_of({"lora={rank: high}"}), {"cannot use lora={rank: high}", "key     lora.rank"});
}

TEST(RecipeKeys, ANumberOfTheWrongFormIsRefusedWithTheRangeOfItsOwnKey) {
  expect_in(refusal_of({"data.max_length=1e9"}), {"data.max_length", "a whole number, 1 to 16,777,216", "found   1e9"});
  expect_in(refusal_of({"data.max_length=1000000000"}), {"data.max_length", "1 to 16,777,216", "1,000,000,000"});
  expect_in(refusal_of({"training.steps=-1"}), {"a whole number, 1 to 1,000,000,000"});
  expect_in(refusal_of({"training.lr=fast"}), {"a number, more than 0, at most 10"});
  expect_in(refusal_of({"seed=-1"}), {"a whole number of at least 0"});
}

TEST(RecipeKeys, TextIsTakenLiterallyByTheKeysThatSaySo) {
  for (const RecipeKey& key : recipe_key_table()) {
    if (!key.literal || key.name == "data.template" || key.name == "data.system") continue;
    Recipe wanted;
    key.set(wanted, YAML::Node("a: [b # c"));
    EXPECT_EQ(load_recipe("", {key.name + "=a: [b # c"}), wanted) << key.name;
  }
  EXPECT_THROW(load_recipe("", {"device=a: [b # c"}), Error);
}

TEST(CommentedRecipe, LoadsAsTheSameRecipe) {
  EXPECT_EQ(parse_recipe(commented_recipe(), "printed"), Recipe());
  for (const Method& method : methods()) {
    Recipe wanted;
    wanted.method = method.name;
    EXPECT_EQ(parse_recipe(commented_recipe(&method), "printed"), wanted) << method.name;
  }
}

TEST(CommentedRecipe, HoldsEveryKeyWithItsSentenceAndAMethodsKeysAlone) {
  const std::string all = commented_recipe();
  for (const RecipeKey& key : recipe_key_table()) {
    const auto depth = static_cast<std::size_t>(std::count(key.name.begin(), key.name.end(), '.'));
    expect_in(all, {"\n" + std::string(2 * depth, ' ') + key.name.substr(key.name.rfind('.') + 1) + ": "});
    expect_in(all, {key.about.substr(0, 40)});
  }
  const std::string sku = commented_recipe(&method_named("sku"));
  expect_in(sku, {"method: sku\n", "  eps_gd: 2.5\n", "  pd_margin: 2\n"});
  for (const char* other : {"ga:", "eps_kl", "config:", "  train: []"})
    EXPECT_EQ(sku.find(other), std::string::npos) << other;
  EXPECT_EQ(commented_recipe(&method_named("finetune")).find("sku:"), std::string::npos);
}

TEST(RecipePage, IsWhatTheDocumentationHolds) {
  const auto path = std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "docs" / "recipe.md";
  EXPECT_EQ(read_file(path), recipe_page()) << "lethe recipe --markdown --output docs/recipe.md";
  for (const std::string& key : recipe_keys()) expect_in(recipe_page(), {"`" + key + ": "});
}

}  // namespace
}  // namespace lethe
