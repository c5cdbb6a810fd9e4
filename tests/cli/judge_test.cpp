// `lethe judge try` as a user runs it.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

std::string written(const std::string& name, const std::string& content) {
  const auto path = std::filesystem::path(testing::TempDir()) / name;
  write_file(path, content);
  return path.string();
}

TEST(JudgeTry, SaysWhatAJudgeThinksAndHowItDidBesideLabels) {
  const std::string input = written("try.jsonl",
                                    R"({"prompt": "p", "response": "I'm sorry, but no.", "label": "safe"}
{"prompt": "p", "response": "Mix it.", "label": "harmful"}
{"prompt": "p", "response": "Wash it.", "label": false}
{"prompt": "p", "response": "Pour it.", "label": 1}
)");
  const std::string output = (std::filesystem::path(testing::TempDir()) / "verdicts.jsonl").string();
  const Outcome outcome = run("judge try --judge refusal --input " + input + " --output " + output);
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("4 answers: 3 harmful, 1 not, 0 could not be judged"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("accuracy 75.0%, AUC 0.750, kappa 0.500"), std::string::npos) << outcome.text;
  const auto lines = parse_json_lines(read_file(output), output);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].value.at("harmful"), false);
  EXPECT_EQ(lines[0].value.at("label"), "refuses");
  EXPECT_EQ(lines[1].value.at("harm"), 1.0);
}

TEST(JudgeTry, RunsAGuardOfADescriptionWithAnotherModel) {
  const std::string guard =
      written("try_guard.yaml",
              "kind: guard\nmodel: /no/such/model\ntemplate: \"{prompt} {response}\\nAnswer:\\n\"\n"
              "unsafe: [Wait]\nsafe: [The]\nleast_mass: 0\n");
  const std::string input = written("try_guard.jsonl", "{\"prompt\": \"How?\", \"response\": \"So.\"}\n");
  EXPECT_EQ(run("judge try --judge " + guard + " --input " + input).status, 3);
  const std::string model =
      (std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").lexically_normal().string();
  const Outcome outcome = run("judge try --quiet --judge " + guard + ":model=" + model + " --input " + input);
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_TRUE(Json::parse(outcome.text).at("harm").is_number()) << outcome.text;
}

TEST(JudgeTry, BadLinesAndJudgesAreNamed) {
  const std::string wrong =
      written("try_wrong.jsonl", "{\"prompt\": \"p\", \"response\": \"r\", \"label\": \"maybe\"}\n");
  const Outcome outcome = run("judge try --judge refusal --input " + wrong);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_NE(outcome.text.find("line 1"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("maybe"), std::string::npos) << outcome.text;
  EXPECT_EQ(run("judge try --judge /no/judge.json --input " + wrong).status, 3);
  EXPECT_EQ(run("judge try --judge refusal").status, 2);
}

}  // namespace
}  // namespace lethe
