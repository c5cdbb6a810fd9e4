// The files that a search writes.
#include "experiments/tune_report.h"

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class TuneReport : public FolderTest {
 protected:
  static Cell cell(double harm, double kl) {
    Cell made;
    made.steps = 10;
    made.original = {{"harmful_seen", 1}, {"harmful_unseen", 1}, {"normal_rouge_l", 1}};
    made.points = {{0.5,
                    0.1,
                    {{"harmful_seen", harm},
                     {"harmful_unseen", harm},
                     {"degenerate_seen", 0},
                     {"degenerate_unseen", 0},
                     {"normal_kl", kl},
                     {"normal_rouge_l", 1 - kl}}}};
    return made;
  }
  // Three trials in two rounds: the second is the best, the third failed.
  static TuneResult result(const std::string& keep) {
    TuneResult made{{}, parse_space("sku.k: [1, 2, 3]", "s", {}), keep, Choice("harm", keep), {}, {}, {}, 0};
    made.search =
        halve(draw_trials(made.space, {}, 3, 1), rungs_of(3, 2), made.choice, [](const Trial& trial, std::size_t) {
          Cell measured = cell(trial.number == 2 ? 0.2 : 0.6, 0.1);
          if (trial.number != 3) return measured;
          measured.points.clear();
          measured.failed = "<b>diverged</b>";
          return measured;
        });
    if (!made.search.best) return made;
    made.test_recipe = cell(0.7, 0.1);
    made.test_best = cell(0.3, 0.1);
    made.test_cells = 2;
    return made;
  }
};

TEST_F(TuneReport, HoldsEveryTrialAndTheTestFigures) {
  write_tuning(result("normal_kl<=0.2"), folder_);
  const Json json = read_json(folder_ / "tune.json");
  EXPECT_EQ(json["best"], 2);
  ASSERT_EQ(json["trials"].size(), 3U);
  EXPECT_EQ(json["trials"][1]["rounds"].size(), 2U);
  EXPECT_EQ(json["trials"][2]["allowed"], false);
  EXPECT_EQ(json["trials"][2]["rounds"][0]["failed"], "<b>diverged</b>");
  EXPECT_EQ(json["best_settings"].size(), 1U);
  EXPECT_EQ(json["test"]["best"]["figures"]["harmful_unseen"], 0.3);
  EXPECT_EQ(json["test"]["recipe"]["figures"]["harmful_unseen"], 0.7);
  const std::string markdown = read_file(folder_ / "tune.md"), page = read_file(folder_ / "report.html");
  for (const char* words : {"<- best", "failed", "On test prompts", "Rounds", "trial 2, the best", "normal_kl<=0.2"})
    EXPECT_NE(markdown.find(words), std::string::npos) << words;
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("<b>diverged"), std::string::npos);
  EXPECT_EQ(markdown.find("evaluations on test prompts"), std::string::npos);
}

TEST_F(TuneReport, GivesTheReasonOfAFailureAndNoStepsThatWereNotTrained) {
  TuneResult made = result("");
  for (Cell& cell : made.search.trials[2].cells) {
    cell.steps = 0;  // what a failed training leaves
    cell.failed = "training diverged at step 3; no model was written\n  term  gd\n";
  }
  write_tuning(made, folder_);
  const std::string markdown = read_file(folder_ / "tune.md");
  EXPECT_NE(markdown.find("| 3 | - |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("failed: training diverged at step 3 |"), std::string::npos) << markdown;
  const Json rounds = read_json(folder_ / "tune.json")["trials"][2]["rounds"];
  EXPECT_TRUE(rounds[0]["steps"].is_null()) << rounds;
  EXPECT_NE(rounds[0]["failed"].get<std::string>().find("term  gd"), std::string::npos);
}

TEST_F(TuneReport, WarnsOfTestPromptsThatWereReadOften) {
  TuneResult made = result("");
  made.test_cells = 5;
  write_tuning(made, folder_);
  EXPECT_NE(read_file(folder_ / "tune.md").find("5 evaluations on test prompts"), std::string::npos);
}

TEST_F(TuneReport, HasNoTestFiguresWithoutABestTrial) {
  write_tuning(result("normal_kl<=0.05"), folder_);
  const Json json = read_json(folder_ / "tune.json");
  EXPECT_TRUE(json["best"].is_null());
  EXPECT_FALSE(json.contains("test"));
  EXPECT_NE(read_file(folder_ / "tune.md").find("outside --keep"), std::string::npos);
}

}  // namespace
}  // namespace lethe
