// A run that is continued: which settings may change, and how others are refused.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "runs/run_folder.h"

namespace lethe {
namespace {

class ContinuedRun : public FolderTest {
 protected:
  // As a run leaves its folder that was stopped in training.
  void stop_a_run(bool with_snapshot) {
    recipe_.out = (folder_ / "run").string();
    recipe_.training.lr = 2e-4;
    recipe_.lora.rank = 16;
    RunFolder run(recipe_, "unlearn");
    fs::create_directory(run.path() / "snapshots");
    write_file(run.path() / "snapshots" / "step-00000001.json", "{}");
    if (!with_snapshot) {  // killed before the first one: the folder stays, as a copy does
      fs::copy(run.path(), folder_ / "kept", fs::copy_options::recursive);
      fs::remove_all(folder_ / "kept" / "snapshots");
      fs::remove_all(run.path() / "snapshots");
    }
  }
  std::string refusal(const std::vector<std::string>& settings) {
    const Recipe changed = with_settings(recipe_, settings);
    return refusal_of([&] { RunFolder run(changed, "unlearn", true); });
  }
  Recipe recipe_;
};

TEST_F(ContinuedRun, NamesTheChangedKeysWithBothValues) {
  stop_a_run(true);
  const std::string text = refusal({"training.lr=1e-3", "lora.rank=8", "negation.kl_budget=1"});
  EXPECT_NE(text.find("training.lr"), std::string::npos) << text;
  EXPECT_NE(text.find("2e-04 in the unfinished run, 0.001 now"), std::string::npos) << text;
  EXPECT_NE(text.find("lora.rank"), std::string::npos) << text;
  EXPECT_NE(text.find("16 in the unfinished run, 8 now"), std::string::npos) << text;
  EXPECT_EQ(text.find("kl_budget"), std::string::npos) << text;
  EXPECT_TRUE(fs::exists(folder_ / "run.unfinished" / "snapshots" / "step-00000001.json"));  // nothing is lost
  EXPECT_EQ(load_recipe(folder_ / "run.unfinished" / "recipe.yaml"), recipe_);
}

TEST_F(ContinuedRun, MayChangeWhatComesAfterTrainingAndWhereItRuns) {
  stop_a_run(true);
  EXPECT_EQ(refusal({"negation.alpha=0.5", "negation.repair.steps=2", "evaluation.judge=refusal",
                     "evaluation.overlap.jaccard=0.5", "keep_harmful=true", "device=cpu", "threads=1"}),
            "no error");
}

TEST_F(ContinuedRun, AHalfWrittenSnapshotIsNone) {
  stop_a_run(true);
  const fs::path snapshots = folder_ / "run.unfinished" / "snapshots";
  fs::rename(snapshots / "step-00000001.json", snapshots / "step-00000001.safetensors");  // killed before the json
  EXPECT_EQ(refusal({"training.lr=1e-3"}), "no error");
}

TEST_F(ContinuedRun, WithoutASnapshotNothingBelongsToTheOldSettings) {
  stop_a_run(false);
  fs::rename(folder_ / "kept", folder_ / "run.unfinished");
  fs::permissions(folder_ / "run.unfinished", fs::perms::owner_all);
  EXPECT_EQ(refusal({"training.lr=1e-3"}), "no error");
}

}  // namespace
}  // namespace lethe
