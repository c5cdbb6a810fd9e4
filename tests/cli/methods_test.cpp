// lethe methods and lethe models: what there is, from the tables that the program itself uses.
#include "architectures/decoder_spec.h"
#include "cli/program_fixture.h"
#include "recipe/method_table.h"

namespace lethe {
namespace {

TEST(Listings, MethodsHaveALineEachWithSentenceAndSource) {
  const Outcome lines = run("methods");
  EXPECT_EQ(std::count(lines.text.begin(), lines.text.end(), '\n'), 1 + static_cast<long>(methods().size()));
  const Json json = Json::parse(run("methods --json").text);
  ASSERT_EQ(json.size(), methods().size());
  for (std::size_t i = 0; i < methods().size(); ++i) {
    const Method& method = methods()[i];
    expect_all(lines, 0, {method.name, method.description, method.source});
    EXPECT_EQ(json[i]["name"], method.name);
    EXPECT_FALSE(json[i]["keys"].empty());
  }
}

TEST(Listings, AMethodHasItsSettingsAndTheirDefaults) {
  expect_all(run("methods ga_mismatch"), 0, {"Yao et al. 2023", "harmful and normal", "keeps", "ga.eps_mismatch  1"});
  EXPECT_EQ(run("methods ga_mismatch").text.find("sku.eps_pd"), std::string::npos);
  // A published value, where the recipe's default is auto.
  const Json npo = Json::parse(run("methods npo --json").text);
  EXPECT_EQ(npo["stage2"], "keep");
  for (const Json& key : npo["keys"]) {
    EXPECT_FALSE(key["name"] == "objective.beta" && key["default"] == "auto");
    EXPECT_FALSE(key["name"] == "training.lr" && key["shared"] == false);
    EXPECT_NE(key["name"], "ga.eps_kl");
  }
  expect_all(run("methods skuu"), 2, {"skuu", "sku"});
  // Published numbers of layers are of models of 32, and no defaults: a recipe's number is this model's.
  EXPECT_EQ(run("methods rmu").text.find("objective.layers  7"), std::string::npos);
  expect_all(run("methods rmu"), 0, {"objective.layers       auto"});
  expect_all(run("methods pdu"), 0, {"objective.dual_warmup  auto"});
  expect_all(run("methods flat"), 0, {"Trains on harmful pairs, and on normal pairs with objective.retain above 0"});
  EXPECT_EQ(Json::parse(run("methods flat --json").text)["trains_on"], Json::array({"harmful"}));
}

TEST(Listings, ModelsAreTheFamiliesThatLetheReads) {
  const Json json = Json::parse(run("models --json").text);
  std::vector<std::string> names;
  for (const Json& family : json) {
    names.push_back(family["model_type"]);
    EXPECT_FALSE(family["published"].get<std::string>().empty());
    EXPECT_NE(family["source"].get<std::string>().find('/'), std::string::npos);
  }
  EXPECT_EQ(names, known_families());
  expect_all(run("models"), 0, {"llama", "facebook/opt-2.7b"});
}

}  // namespace
}  // namespace lethe
