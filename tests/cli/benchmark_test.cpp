// lethe benchmark: the whole command on the demo's model, and what it refuses.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class BenchmarkCommand : public FolderTest {
 protected:
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string data(const std::string& name) { return (fs::path(LETHE_FIXTURES) / "benchmarks" / name).string(); }
  std::string tofu(const std::string& out) const {
    return "benchmark tofu --model " + model_ + " --data " + data("tofu") +
           " --split forget01 --max-new-tokens 4 --limit 3 --out " + at(out) + " ";
  }
  const std::string model_ = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
};

TEST_F(BenchmarkCommand, WritesResultsRowsAndAReportAndComparesWithARetainModel) {
  expect_all(run(tofu("retain")), 0, {"TOFU", "world_facts", "model_utility", "forget_quality needs", "template:"});
  const Json retain = read_json(at("retain/results.json"));
  EXPECT_TRUE(retain["forget_quality"].is_null());
  EXPECT_EQ(retain["about"]["questions"]["forget"], 3);
  EXPECT_EQ(parse_json_lines(read_file(at("retain/rows.jsonl")), "rows").size(), 15U);
  EXPECT_NE(read_file(at("retain/report.html")).find("model_utility"), std::string::npos);

  const Outcome again = run(tofu("again") + "--quiet --json --retain " + at("retain") + " --reference " + model_);
  EXPECT_EQ(again.status, 0) << again.text;
  const Json printed = parse_json(again.text, "output"), written = read_json(at("again/results.json"));
  EXPECT_EQ(printed, written);
  EXPECT_EQ(printed["forget_quality"], 1);
  EXPECT_TRUE(printed["mia_reference"].is_number());
  EXPECT_NEAR(parse_json_lines(read_file(at("again/rows.jsonl")), "rows")[0].value["reference"].get<double>(), 0,
              1e-5);  // the reference is the model itself
  EXPECT_NEAR(printed["privleak"].get<double>(), 0, 1e-9);
  expect_all(run(tofu("noted") + "--json"), 0, {"forget_quality needs", "mia_reference needs"});
  EXPECT_EQ(read_file(at("again/rows.jsonl")).substr(0, 50), read_file(at("retain/rows.jsonl")).substr(0, 50));
}

TEST_F(BenchmarkCommand, OfMultipleChoiceAndMuseRun) {
  const std::string common = " --quiet --model " + model_ + " --max-new-tokens 2 --out ";
  expect_all(run("benchmark wmdp --data " + data("wmdp") + common + at("wmdp")), 0, {"cyber", "25.0%"});
  expect_all(run("benchmark mmlu --data " + data("mmlu") + common + at("mmlu")), 0, {"made_up_places"});
  expect_all(run("benchmark muse --data " + data("muse") + common + at("muse")), 0, {"verbmem_forget"});
  expect_all(run("benchmark mmlu --template chat --data " + data("mmlu") + " --limit 1 --model " + model_ + " --out " +
                 at("warned")),
             0, {"have no effect"});
}

TEST_F(BenchmarkCommand, RefusesWhatItCannotMeasureAndLeavesNothing) {
  const std::string model = " --model " + model_ + " --out " + at("out");
  expect_all(run("benchmark gsm8k --data " + data("mmlu") + model), 2, {"tofu, muse, wmdp or mmlu"});
  expect_all(run("benchmark wmdp --split forget10 --data " + data("wmdp") + model), 2, {"--split"});
  expect_all(run("benchmark wmdp --data " + data("mmlu/test") + model), 3, {"bio, chem or cyber"});
  expect_all(run("benchmark tofu --data " + data("tofu") + model), 3, {"forget10_perturbed.json", "only forget01"});
  expect_all(run(tofu("out") + "--retain " + data("expected.json")), 3, {"results.json of lethe benchmark tofu"});
  for (const char* option : {"--reference", "--retain", "--split"})  // before any model is opened
    expect_all(run("benchmark wmdp " + std::string(option) + " /no/such --data " + data("wmdp") + model), 2,
               {option, "only tofu and muse"});
  EXPECT_TRUE(fs::is_empty(folder_));
  fs::create_directories(folder_ / "full");
  write_file(folder_ / "full/results.json", "{}");
  expect_all(run(tofu("full")), 3, {"full"});
  EXPECT_EQ(read_file(folder_ / "full/results.json"), "{}");
}

}  // namespace
}  // namespace lethe
