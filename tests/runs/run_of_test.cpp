// Which run wrote a folder, and which safe answers it taught.
#include "runs/run_of.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class RunOf : public FolderTest {
 protected:
  // A run's folder with an adapter. @return the adapter
  std::string run(const std::string& recipe) const {
    fs::create_directories(folder_ / "run/adapter");
    write_file(folder_ / "run/run.json", "{}");
    write_file(folder_ / "run/recipe.yaml", recipe);
    return (folder_ / "run/adapter").string();
  }
};

TEST_F(RunOf, IsFoundAboveItsAdapterAndBehindALink) {
  const std::string adapter = run("method: sku\n");
  EXPECT_EQ(run_of(adapter), folder_ / "run");
  EXPECT_EQ(run_of(adapter + "/"), folder_ / "run");
  fs::create_directory_symlink(adapter, folder_ / "link");
  EXPECT_EQ(run_of(folder_ / "link"), fs::canonical(folder_ / "run"));
  EXPECT_EQ(run_of(folder_ / "run"), "");
  EXPECT_EQ(without_weight(adapter + ":0.5"), adapter);
}

TEST_F(RunOf, ItsOwnSafeAnswersAreTaught) {
  const fs::path file = folder_ / "own.txt";
  write_file(file, "Ask the harbour master first.\n");
  const std::string adapter = run("method: contrast\nsafe: {answers: " + file.string() + "}\n");
  const auto taught = answers_taught_by_runs({adapter + ":0.5", "facebook/opt-125m"});
  ASSERT_NE(taught, nullptr);
  EXPECT_TRUE(taught->taught("Ask the harbour master first!"));
  fs::remove(file);
  EXPECT_EQ(answers_taught_by_runs({adapter}), nullptr);
}

TEST_F(RunOf, ARunThatTeachesNoneOrNamesAPipeHasNone) {
  EXPECT_EQ(answers_taught_by_runs({run("method: sku\n")}), nullptr);
  EXPECT_EQ(answers_taught_by_runs({run("method: contrast\nsafe: {answers: mismatch}\n")}), nullptr);
  for (const char* pipe : {"-", "/dev/stdin"})
    EXPECT_EQ(answers_taught_by_runs({run(std::string("method: contrast\nsafe: {answers: ") + pipe + "}\n")}), nullptr);
  EXPECT_EQ(answers_taught_by_runs({run("method: [\n")}), nullptr);
  EXPECT_EQ(answers_taught_by_runs({}), nullptr);
}

}  // namespace
}  // namespace lethe
