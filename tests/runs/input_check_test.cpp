// The files and names in a recipe are checked before any work.
#include "runs/input_check.h"

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class InputCheck : public FolderTest {
 protected:
  const std::string model_ = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();

  static std::string refused(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::string names_refused(const std::vector<std::string>& settings) const {
    return refused([&] { check_names_of_weights(load_recipe("", settings), Checkpoint(model_)); });
  }
};

TEST_F(InputCheck, ALayerThatTheModelDoesNotHaveIsRefusedBeforeAnyWork) {
  const std::string message = names_refused({"method=rmu", "objective.layers=99"});
  EXPECT_NE(message.find("objective.layers"), std::string::npos) << message;
  EXPECT_EQ(names_refused({"method=npo", "objective.layers=99"}), "no error");  // not read
}

TEST_F(InputCheck, EveryPathThatIsNotThereIsNamedAtOnce) {
  write_file(folder_ / "normal.jsonl", "");
  const Recipe recipe = load_recipe(
      "", {"data.harmful=[no_harmful.jsonl, other.csv:prompt=goal]",
           "data.normal=" + (folder_ / "normal.jsonl").string(), "data.plan=no_plan.jsonl",
           "evaluation.judge=[no_judge.json, no_guard.yaml:model=/m, refusal]", "evaluation.xstest=no_xstest.csv"});
  const std::string message = refusal_of([&] { check_paths({{"model", "./no_model"}}, paths_of(recipe), ""); });
  for (const char* part : {"data.harmful", "no_harmful.jsonl: no such file", "other.csv: no such file", "no_plan.jsonl",
                           "no_judge.json", "no_guard.yaml: no such file", "no_xstest.csv", "./no_model"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
  EXPECT_EQ(message.find("normal.jsonl"), std::string::npos) << message;
}

TEST_F(InputCheck, AnUnknownJudgeOfARunIsRefusedWithTheBuiltInOnes) {
  const Recipe recipe = load_recipe("", {"evaluation.judge=clasifier"});
  const std::string message = refusal_of([&] { check_paths({{"model", model_}}, paths_of(recipe), ""); });
  for (const char* part : {"clasifier", "classifier, none, refusal", "llama-guard-3"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
}

TEST_F(InputCheck, AShippedJudgesNameMayBeFollowedByPaths) {
  const auto check = [&](const std::string& judge) {
    check_paths({{"model", model_}}, paths_of(load_recipe("", {"evaluation.judge=" + judge})), "");
  };
  check("beaver-dam:model=" + folder_.string());
  const std::string facts = (folder_ / "craft.jsonl").string();
  EXPECT_NE(refusal_of([&] { check("facts:facts=" + facts); }).find("craft.jsonl"), std::string::npos);
  write_file(facts, "{\"facts\": []}\n");
  EXPECT_NE(refusal_of([&] { check("facts:facts=" + facts); }).find("craft.jsonl, line 1"), std::string::npos);
  write_file(folder_ / "craft.yaml", "kind: facts\nfacts: craft.jsonl\n");
  EXPECT_NE(refusal_of([&] { check((folder_ / "craft.yaml").string()); }).find("line 1"), std::string::npos);
  write_file(facts, "{\"facts\": [\"toad oil\"]}\n");
  check("facts:facts=" + facts);
  check((folder_ / "craft.yaml").string());
}

TEST_F(InputCheck, APathAmongAJudgesSettingsIsNotItsName) {
  const std::string file = (folder_ / "craft.jsonl").string();
  write_file(file, "{\"facts\": [\"toad oil\"]}\n");
  const std::string message = refused([&] {
    check_paths({{"model", model_}}, paths_of(load_recipe("", {"evaluation.judge=no-such:facts=" + file})), "");
  });
  EXPECT_NE(message.find("no judge of this name"), std::string::npos) << message;
}

TEST_F(InputCheck, AJudgeThatCannotBeOpenedIsFoundBeforeTheWork) {
  const auto refusal = [&](const std::string& judge) {
    const Recipe recipe = load_recipe("", {"evaluation.judge=" + judge});
    return refused([&] { check_paths({{"model", model_}}, paths_of(recipe), ""); });
  };
  EXPECT_NE(refusal("beaver-dam:model=/some/folder").find("/some/folder"), std::string::npos);
  EXPECT_NE(refusal("llama-guard-3:model=no-owner/no-model").find("no-owner/no-model"), std::string::npos);
  EXPECT_EQ(refusal("llama-guard-3:model=" + folder_.string()), "no error");
  const std::string endpoint = (folder_ / "endpoint.yaml").string();
  const std::string keys = "kind: endpoint\nurl: https://judge.invalid/v1\nmodel: m\n";
  write_file(endpoint, keys + "key_env: LETHE_TEST_NO_SUCH_KEY\n");
  EXPECT_NE(refusal(endpoint).find("LETHE_TEST_NO_SUCH_KEY, which is not set"), std::string::npos);
  write_file(endpoint, keys);
  EXPECT_EQ(refusal(endpoint), "no error");
}

TEST_F(InputCheck, ADataSetsNameOnTheHubSaysHowToGetIt) {
  const Recipe recipe = load_recipe("", {"data.harmful=no-owner/no-set", "evaluation.prompts=0"});
  const std::string message = refusal_of([&] { check_paths({{"model", model_}}, paths_of(recipe), ""); });
  for (const char* part : {"data.harmful", "no-owner/no-set", "load_dataset", "relative paths start at"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
}

TEST_F(InputCheck, PatternsUrlsAndUnusedPathsAreNotChecked) {
  const Recipe recipe = load_recipe("", {"data.harmful=[\"data/*.jsonl\", \"hf://datasets/a/b\"]", "data.normal=\"-\"",
                                         "evaluation.prompts=0", "evaluation.judge=no_judge.json"});
  check_paths({{"model", model_}}, paths_of(recipe), (folder_ / "out").string());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(InputCheck, LoraTargetsThatTheModelLacksAreRefusedByName) {
  const std::string message = names_refused({"tuning=lora", "lora.targets=[q_proj, foo]"});
  for (const char* part : {"lora.targets", "foo", "v_proj", "down_proj"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_NE(names_refused({"tuning=lora", "lora.targets=.*nothing"}).find("lora.targets"), std::string::npos);
  EXPECT_NE(names_refused({"tuning=lora", "lora.targets=[lm_head]"}).find("output head"), std::string::npos);
  for (const char* right : {"lora.targets=[q_proj, v_proj]", "lora.targets=all-linear", "lora.targets=.*\\.up_proj"})
    EXPECT_EQ(names_refused({"tuning=lora", right}), "no error") << right;
}

TEST_F(InputCheck, PatternsOfWeightsThatFitNoneAreRefusedByName) {
  EXPECT_NE(names_refused({"training.weights=nothing"}).find("training.weights"), std::string::npos);
  EXPECT_NE(names_refused({"negation.factors={mlp: 0, nothing: 1}"}).find("negation.factors"), std::string::npos);
  EXPECT_NE(names_refused({"tuning=lora", "negation.factors={mlp: 0}"}).find("negation.factors"), std::string::npos)
      << "the adapters are on q_proj and v_proj alone";
  EXPECT_EQ(names_refused({"training.weights=mlp", "negation.factors={attn: 0, embed: 1}"}), "no error");
  EXPECT_EQ(names_refused({"tuning=lora", "negation.factors={attn: 0}"}), "no error");
}

}  // namespace
}  // namespace lethe
