// The program's two parts: commands that compute nothing do not load LibTorch, and every call from one part into the
// other is defined.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

const std::string engine = (fs::path(LETHE_PROGRAM).parent_path() / "liblethe_engine.so").string();

TEST(Engine, EveryCallBetweenProgramAndEngineIsDefined) {
  // All symbols of both are looked up at once; a missing one stops the loader with status 127 and its name.
  const Outcome outcome = shell("LD_BIND_NOW=1 LD_PRELOAD=" + engine + " " LETHE_PROGRAM " --version");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
}

TEST(Engine, HelpInspectRecipeAndTokenizeDoWithoutIt) {
  if (kSanitized) GTEST_SKIP() << "a sanitized program finds its engine by LD_LIBRARY_PATH, wherever it lies";
  const fs::path folder = fs::path(testing::TempDir()) / "lethe_alone";
  fs::remove_all(folder);
  fs::create_directories(folder);
  fs::copy_file(LETHE_PROGRAM, folder / "lethe");
  const std::string alone = (folder / "lethe").string(),
                    model = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
  expect_all(shell(alone + " --help"), 0, {"unlearn"});
  expect_all(shell(alone + " unlearn --help"), 0, {"--harmful"});
  expect_all(shell(alone + " recipe sku"), 0, {"pd_margin: 2"});
  expect_all(shell(alone + " completion candidates -- unlearn training.ste"), 0, {"training.steps="});
  expect_all(shell(alone + " man"), 0, {".TH LETHE 1"});
  expect_all(shell(alone + " unlearn --lr 1"), 2, {"training.lr"});
  expect_all(shell(alone + " inspect " + model), 0, {"llama"});
  expect_all(shell(alone + " tokenize --json --model " + model + " hello"), 0, {"ids"});
  expect_all(shell(alone + " no_such_command"), 2, {});
  expect_all(shell(alone + " score --model " + model + " --input a.jsonl --output b.jsonl"), 1, {"liblethe_engine.so"});
  fs::remove_all(folder);
}

}  // namespace
}  // namespace lethe
