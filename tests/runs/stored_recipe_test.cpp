// The recipe of a run is understood from any folder.
#include "runs/stored_recipe.h"

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"

namespace lethe {
namespace {

class StoredRecipe : public FolderTest {
 protected:
  // A run that was started in started/, with paths relative to it.
  Recipe stored(const Json& facts) const {
    Recipe recipe;
    recipe.model = "models/base";
    recipe.data.harmful = {{.path = "data/harm.jsonl"}, {.path = "data/*.jsonl"}};
    recipe.data.normal = {{.path = "gone.jsonl"}};
    recipe.evaluation.judge = {"judges/guard.yaml:model=DIR", "classifier"};
    fs::create_directories(folder_ / "run");
    write_file(folder_ / "run/recipe.yaml", to_yaml(recipe));
    write_file(folder_ / "run/run.json", dump_json(facts));
    return stored_recipe(folder_ / "run");
  }
  void SetUp() override {
    FolderTest::SetUp();
    for (const char* name : {"models/base", "data", "judges"}) fs::create_directories(folder_ / "started" / name);
    write_file(folder_ / "started/data/harm.jsonl", "");
    write_file(folder_ / "started/judges/guard.yaml", "");
  }
};

TEST_F(StoredRecipe, FindsRelativePathsWhereTheRunWasStarted) {
  const std::string started = (folder_ / "started").string();
  const Recipe recipe = stored({{"directory", started}});
  EXPECT_EQ(recipe.model, started + "/models/base");
  EXPECT_EQ(recipe.data.harmful[0].path, started + "/data/harm.jsonl");
  EXPECT_EQ(recipe.data.harmful[1].path, started + "/data/*.jsonl");
  EXPECT_EQ(recipe.data.normal[0].path, "gone.jsonl") << "it is there no more: the error names it as it was given";
  EXPECT_EQ(recipe.evaluation.judge,
            (std::vector<std::string>{started + "/judges/guard.yaml:model=DIR", "classifier"}));
}

TEST_F(StoredRecipe, LeavesPathsAsTheyAreWhereTheRunDoesNotSayItsFolder) {
  for (const Json& facts : {Json::object(), Json{{"directory", "/no/such/folder"}}, Json::array()})
    EXPECT_EQ(stored(facts).model, "models/base") << facts;
}

}  // namespace
}  // namespace lethe
