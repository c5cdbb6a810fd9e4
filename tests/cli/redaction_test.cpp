// --redact hides prompts and answers, and hostile text stays text.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class Redaction : public Program {};

TEST_F(Redaction, HidesPromptsAndAnswersFromTheTerminalAndTheReportButNotFromFilesForPrograms) {
  const std::string job =
      "unlearn --threads 1 --model " + model_ + data() +
      " training.steps=1 sku.k=1 evaluation.prompts=4 evaluation.max_new_tokens=8 negation.alpha=1 --out ";
  const Outcome plain = run(job + at("plain")), hidden = run(job + at("hidden") + " --redact");
  ASSERT_EQ(plain.status, 0) << plain.text;
  ASSERT_EQ(hidden.status, 0) << hidden.text;
  const std::string report = read_file(at("plain/report.html")), redacted = read_file(at("hidden/report.html"));
  EXPECT_EQ(report.find("[redacted: "), std::string::npos);
  EXPECT_NE(redacted.find("[redacted: "), std::string::npos);
  EXPECT_EQ(read_file(at("plain/predictions.jsonl")), read_file(at("hidden/predictions.jsonl")));
  std::size_t found = 0;
  for (const JsonLine& line : parse_json_lines(read_file(at("plain/predictions.jsonl")), "predictions")) {
    const auto prompt = line.value.at("prompt").get<std::string>();
    if (prompt.find_first_of("'\"<>&") != std::string::npos) continue;  // escaped in HTML
    found += report.find(prompt) != std::string::npos ? 1 : 0;
    EXPECT_EQ(redacted.find(prompt), std::string::npos) << prompt;
    EXPECT_EQ(hidden.text.find(prompt), std::string::npos) << prompt;
  }
  EXPECT_GT(found, 0U);
}

TEST_F(Redaction, OfACommandThatPrintsAnswersLeavesTheirMarks) {
  write_file(at("prompts.jsonl"), "{\"prompt\": \"Where does Mira live?\"}\n");
  const std::string job =
      "compare --quiet --model " + model_ + " --model " + model_ + " --max-new-tokens 4 --input " + at("prompts.jsonl");
  expect_all(run(job), 0, {"Mira"});
  const Outcome hidden = run(job + " --redact");
  expect_all(hidden, 0, {"[redacted: 21 bytes, "});
  EXPECT_EQ(hidden.text.find("Mira"), std::string::npos);
}

TEST_F(Redaction, AnErrorThatQuotesARowShowsItsMark) {
  write_file(at("rows.jsonl"), "{\"prompt\": \"Where does Mira live?\", \"label\": \"maybe Mira\"}\n");
  for (const std::string& command : {"score --model " + model_ + " --output - --input " + at("rows.jsonl"),
                                     "judge try --judge refusal --input " + at("rows.jsonl")}) {
    const Outcome hidden = run(command + " --redact");
    EXPECT_EQ(hidden.status, 3) << hidden.text;
    EXPECT_EQ(hidden.text.find("Mira"), std::string::npos) << hidden.text;
  }
}

TEST_F(Redaction, RowsOfDataFilesThatCannotBeUsedShowTheirMarks) {
  write_file(at("rows.jsonl"),
             "{\"prompt\": \"secret one\" x}\n{\"prompt\": \"p\", \"response\": \"r\", \"is_safe\": \"secret two\"}\n"
             "{\"prompt\": \"p\", \"response\": \"r\", \"weight\": \"secret three\"}\n"
             "{\"prompt\": \"good\", \"response\": \"row\"}\n");
  const std::string job = "split --data " + at("rows.jsonl") + " --parts a=1 --out ";
  expect_all(run(job + at("plain")), 0, {"secret one", "secret two", "secret three"});
  const Outcome hidden = run(job + at("hidden") + " --redact");
  EXPECT_EQ(hidden.status, 0) << hidden.text;
  EXPECT_EQ(hidden.text.find("secret"), std::string::npos) << hidden.text;
}

TEST_F(Redaction, GenerateWritesToStandardOutputOnRequest) {
  write_file(at("prompts.jsonl"), "{\"prompt\": \"Where does Mira live?\"}\n");
  const Outcome outcome = shell("cd " + folder_.string() + "; " LETHE_PROGRAM " generate --quiet --model " + model_ +
                                " --max-new-tokens 2 --output - --input prompts.jsonl");
  expect_all(outcome, 0, {"{\"prompt\":\"Where does Mira live?\",\"response\":"});
  EXPECT_FALSE(fs::exists(at("-")));
}

}  // namespace
}  // namespace lethe
