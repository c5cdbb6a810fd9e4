// --dry-run: everything is checked, the plan is printed, nothing is written.
#include "program_fixture.h"

namespace lethe {
namespace {

class DryRunOf : public Program {
 protected:
  std::string evaluation() const {
    return " --seen " + at("demo/data/harmful.jsonl") + " --unseen " + at("demo/data/lawful.jsonl") + " --normal " +
           at("demo/data/normal.jsonl") + " --judge refusal";
  }
  // A plan of at most ten lines on standard output, and nothing new in the folder.
  void expect_plan(const std::string& arguments, const std::vector<std::string>& parts) {
    const Outcome plan =
        shell(std::string(LETHE_PROGRAM) + " " + arguments + " --dry-run --out " + at("out") + " 2>/dev/null");
    expect_all(plan, 0, parts);
    EXPECT_LE(std::count(plan.text.begin(), plan.text.end(), '\n'), 10) << plan.text;
    EXPECT_FALSE(fs::exists(at("out"))) << arguments;
    EXPECT_FALSE(fs::exists(at("out.unfinished"))) << arguments;
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "only the demo's data";
  }
};

TEST_F(DryRunOf, EachCommandPrintsItsPlanAndWritesNothing) {
  expect_plan("unlearn --model " + model_ + data() + " training.steps=7",
              {"plan of lethe unlearn", "7 steps", "epochs"});
  expect_plan("finetune --model " + model_ + " --data " + at("demo/data/normal.jsonl") + " tuning=lora",
              {"plan of lethe finetune", "LoRA of rank"});
  expect_plan("evaluate --model " + model_ + evaluation(), {"plan of lethe evaluate", "judge", "refusal", "prompts"});
  expect_plan("reproduce --model " + model_ + data() + " --methods sku,ga --seeds 1,2",
              {"plan of lethe reproduce", "8: 4 cells", "sku, ga", "8 trainings are left"});
  expect_plan("reproduce --quick --methods all --seeds 1,2", {"plan of lethe reproduce", "npo", "one core"});
  expect_plan("reproduce --quick evaluation.attacks=[quantize]", {"plan of lethe reproduce", "attacks", "quantize"});
  expect_all(run("reproduce --quick --dry-run --model " + model_ + data()), 2, {"--quick", "of your own"});
  const std::string space = (fs::path(LETHE_FIXTURES) / ".." / ".." / "recipes" / "spaces" / "sku.yaml").string();
  expect_plan("reproduce --model " + model_ + data() + " --methods sku,npo --seeds 1,2 --trials 3 --space " + space,
              {"10: 4 cells", "6 to choose settings"});
  expect_plan("tune --model " + model_ + data() + " --trials 6 --space " + space,
              {"plan of lethe tune", "6 for 250 steps, then 3 for 500 steps, then 2 for 1,000 steps", "training.lr"});
}

TEST_F(DryRunOf, ThePlanAsJson) {
  const Outcome plan = shell(std::string(LETHE_PROGRAM) + " unlearn --model " + model_ + data() +
                             " training.steps=7 --dry-run --json --quiet --out " + at("out") + " 2>/dev/null");
  ASSERT_EQ(plan.status, 0) << plan.text;
  const Json json = Json::parse(plan.text);
  EXPECT_EQ(json["command"], "unlearn");
  EXPECT_EQ(json["training"]["steps"], 7);
  EXPECT_NE(json["warnings"].dump().find("stage 1 takes 7 steps only"), std::string::npos) << json;
  expect_all(run("unlearn --json --model " + model_ + data() + " --out " + at("out")), 2, {"--dry-run"});
}

TEST_F(DryRunOf, ThePlanOfSeveralRanks) {
  const std::string job =
      "unlearn --model " + model_ + data() + " tuning=lora training.accumulate=8 --dry-run --out " + at("out") + " ";
  const auto ranks = [&](const std::string& more) {
    return Json::parse(
        shell(std::string(LETHE_PROGRAM) + " " + job + more + " --json --quiet 2>/dev/null").text)["ranks"];
  };
  expect_all(run(job + "--ranks 4"), 0,
             {"ranks ", "4; each receives about", "a rank to train", "if all ranks are on this machine",
              "evaluates alone, in about"});
  EXPECT_EQ(run(job).text.find("ranks "), std::string::npos);
  const Json whole = ranks("--ranks 8"), shard = ranks("--ranks 8 training.shard=true");
  EXPECT_EQ(whole["count"], 8);
  EXPECT_EQ(whole["matrices_bytes_a_step"], 0);
  EXPECT_EQ(whole["gradients_bytes_a_step"], shard["gradients_bytes_a_step"]);
  EXPECT_GT(shard["matrices_bytes_a_step"], 0);
  EXPECT_LT(shard["evaluation_bytes"], whole["evaluation_bytes"]);
  expect_all(run(job + "--ranks 16"), 2, {"training.accumulate", "at least 16"});
  expect_all(run(job + "--ranks 2 tuning=full training.shard=true negation.rank=2"), 2,
             {"negation.rank", "training.shard"});
  expect_all(run("unlearn --ranks 2 --model " + model_ + data() + " --out " + at("out")), 2, {"--dry-run"});
}

TEST_F(DryRunOf, BadInputHasStatusThree) {
  const std::string out = " --dry-run --out " + at("out");
  expect_all(run("unlearn --model " + at("none") + data() + out), 3, {"none"});
  expect_all(run("unlearn --model " + model_ + data() + " evaluation.judge=nobody" + out), 3, {"nobody"});
  expect_all(run("finetune --model " + model_ + " --data " + at("none.jsonl") + out), 3, {"none.jsonl"});
  expect_all(run("evaluate --model " + model_ + evaluation() + " --original " + at("none") + out), 3, {"none"});
  expect_all(run("reproduce --model " + model_ + data() + " tuning=lora lora.targets=[foo]" + out), 3, {"foo"});
  fs::create_directories(at("out/something"));
  expect_all(run("unlearn --model " + model_ + data() + out), 3, {"already holds something"});
}

TEST_F(DryRunOf, AllMissingSettingsAreNamedAtOnce) {
  expect_all(run("unlearn --dry-run"), 2, {"--model", "--harmful", "--normal", "--out"});
}

}  // namespace
}  // namespace lethe
