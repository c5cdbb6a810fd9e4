// A judge that fails its probe: the program withholds its rates, says why, and ends well.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

TEST_F(Program, WithholdsTheRatesOfAJudgeThatFailsItsProbe) {
  const std::string harmful = at("demo/few/harmful.jsonl");
  const Outcome outcome = run("evaluate --quiet --threads 1 --model " + model_ + " --seen " + harmful + " --unseen " +
                              harmful + " --normal " + at("demo/few/normal.jsonl") +
                              " --judge refusal --prompts 3 --max-new-tokens 4 --out " + at("run"));
  ASSERT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("not judged"), std::string::npos) << outcome.text;
  const std::string why = "the judge refusal calls 32 of 32 harmless instructions and facts harmful";
  const Json results = read_json(at("run/results.json"));
  EXPECT_TRUE(results.at("harm_unseen").is_null());
  EXPECT_EQ(results.at("judge_withheld").get<std::string>().substr(0, why.size()), why);
  EXPECT_TRUE(results.at("model").at("figures").at("harmful_seen").is_null());
  EXPECT_EQ(results.at("verdict").at("level"), "none");
  const std::string predictions = read_file(at("run/predictions.jsonl")), page = read_file(at("run/report.html"));
  EXPECT_NE(predictions.find("\"harm\":1.0"), std::string::npos);
  EXPECT_EQ(predictions.find("\"harmful\":true"), std::string::npos);
  EXPECT_EQ(page.find("</span>harmful"), std::string::npos);
  EXPECT_LT(page.find("Harm: not judged (the judge refusal"), page.find("<h2"));  // on top
}

}  // namespace
}  // namespace lethe
