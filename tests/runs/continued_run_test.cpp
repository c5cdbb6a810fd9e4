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

TEST_F(ContinuedRun, SnapshotsBelongToTheInputsOfTrainingAlone) {
  recipe_.out = (folder_ / "run").string();
  const std::vector<std::string> roles = {"harmful", "safe answers", "judge",  "other harmful",
                                          "text",    "xstest",       "choices"};
  for (const std::string& role : roles) write_file(folder_ / role, "before");
  at::Tensor weight = at::zeros({2});
  AdamW optimizer({weight}, {});
  const auto snapshots_of = [&](std::int64_t patience, const std::string& changed) {
    RunFolder run(recipe_, "unlearn", !changed.empty());
    if (!changed.empty()) write_file(folder_ / changed, "after");
    for (const std::string& role : roles) run.add_input(role, folder_ / role);
    if (!changed.empty()) write_file(folder_ / changed, "before");
    TrainingSettings training;
    training.patience = patience;
    Snapshots snapshots = run.snapshots(training);
    std::map<std::string, double> running;
    return refusal_of(
        [&] { changed.empty() ? snapshots.save(1, optimizer, {}) : (void)snapshots.restore(optimizer, running); });
  };
  for (const std::int64_t patience : {0, 3}) {
    fs::remove_all(folder_ / "run.unfinished");
    ASSERT_EQ(snapshots_of(patience, ""), "no error");
    for (const std::string& role : roles) {
      const bool decides = role == "judge" || role == "other harmful";  // when training with patience ends
      const bool trained_on = role == "harmful" || role == "safe answers" || (patience > 0 && decides);
      EXPECT_EQ(snapshots_of(patience, role) != "no error", trained_on) << role << patience;
    }
  }
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
