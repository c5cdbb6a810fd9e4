// Multiple choice and XSTest read from their files: forms, prompts, unusable rows.
#include "data/benchmarks.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "data/sources.h"
#include "data/unlearning_rows.h"

namespace lethe {
namespace {

DataSource file_with(const std::string& name, const std::string& content, const std::string& where = "") {
  const auto path = std::filesystem::path(testing::TempDir()) / name;
  write_file(path, content);
  return {path.string(), "", "", where};
}

TEST(Choices, OfMmluHaveListsOrLetteredColumnsAndNumbersOrLettersAsAnswers) {
  const DataSource sources[] = {
      file_with("mmlu.jsonl",
                "{\"question\": \" Two plus two? \", \"choices\": [\"3\", \"4\"], \"answer\": 1, \"subject\": "
                "\"some_sums\"}\n"
                "{\"question\": \"Two plus two?\", \"choices\": [\"3\", \"4\"], \"answer\": 2}\n"
                "{\"question\": \"Two plus two?\", \"choices\": [\"3\"], \"answer\": 0}\n"),
      file_with("wmdp-chem.csv", "question,A,B,C,D,answer\nWhich?,w,x,y,z,C\n"),
      file_with("list.csv", "question,choices,answer\nWhich?,\"[\"\"x\"\", \"\"y\"\"]\",B\n")};
  const LoadedChoices loaded = load_choices(sources);
  ASSERT_EQ(loaded.questions.size(), 3U);
  EXPECT_EQ(loaded.questions[0].context,
            "The following are multiple choice questions (with answers) about some sums.\n\nTwo plus two?\nA. 3\nB. "
            "4\nAnswer:");
  EXPECT_EQ(loaded.questions[0].answer, 1U);
  EXPECT_EQ(loaded.questions[0].choices, (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(loaded.questions[1].context.starts_with(
      "The following are multiple choice questions (with answers) about chemistry.\n\nWhich?\nA. w\n"));
  EXPECT_EQ(loaded.questions[1].answer, 2U);
  EXPECT_EQ(loaded.questions[2].answer, 1U);
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 2U);  // an answer beyond the options, a single option
}

TEST(Choices, WithoutAnOptionInTheMiddleAreUnusable) {
  const DataSource sources[] = {file_with("gaps.csv",
                                          "question,A,B,C,D,answer\nWhich?,w,x,,z,A\nWhich?,w,x,y,,A\n"
                                          "Which?,w,x,y,z,B\n"),
                                file_with("gaps.jsonl",
                                          "{\"question\": \"Q?\", \"choices\": [\"x\", null], \"answer\": 0}\n"
                                          "{\"question\": \"Q?\", \"A\": 3, \"B\": 4, \"answer\": \"B\"}\n")};
  const LoadedChoices loaded = load_choices(sources);
  ASSERT_EQ(loaded.questions.size(), 3U);
  EXPECT_EQ(loaded.questions[0].choices.size(), 3U);  // no option D
  EXPECT_EQ(loaded.questions[0].line, 3U);
  EXPECT_TRUE(loaded.questions[2].context.ends_with("\nA. 3\nB. 4\nAnswer:"));
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
  EXPECT_EQ(loaded.files[1].rows.bad_rows, 1U);
}

TEST(Choices, OfWmdpHaveTheSubjectOfTheirFileNotOfAFolderAbove) {
  const std::string row = "{\"question\": \"Q?\", \"choices\": [\"x\", \"y\"], \"answer\": 0}\n";
  std::filesystem::create_directories(std::filesystem::path(testing::TempDir()) / "bio_home/wmdp-chem");
  const DataSource sources[] = {file_with("bio_home/wmdp-cyber.jsonl", row),
                                file_with("bio_home/wmdp-chem/test.jsonl", row)};
  const LoadedChoices loaded = load_choices(sources);
  EXPECT_EQ(loaded.questions.at(0).subject, "cybersecurity");
  EXPECT_EQ(loaded.questions.at(1).subject, "chemistry");
}

TEST(TofuQuestions, OfACsvHaveTheirPerturbedAnswersInAList) {
  const DataSource source = file_with("perturbed.csv",
                                      "question,answer,perturbed_answer\nWho?,Mira,\"[\"\"Tavi\"\", \"\"Orla\"\"]\"\n"
                                      "Who?,Mira,\"['Tavi', 'Orla']\"\nWho?,Mira,Tavi\n");
  const LoadedTofu loaded = load_tofu({source});
  ASSERT_EQ(loaded.questions.size(), 2U);
  EXPECT_EQ(loaded.questions[0].perturbed, (std::vector<std::string>{"Tavi", "Orla"}));
  EXPECT_EQ(loaded.questions[1].perturbed, (std::vector<std::string>{"Tavi"}));
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
}

TEST(TofuQuestions, OfSeveralPartsHaveOneOrder) {
  const std::string row = "{\"question\": \"Q?\", \"answer\": \"x\", \"perturbed_answer\": [\"y\"]}\n";
  const LoadedTofu loaded = load_tofu({file_with("part1.jsonl", row + row), file_with("part2.jsonl", row)});
  ASSERT_EQ(loaded.questions.size(), 3U);
  EXPECT_EQ(loaded.questions[2].index, 2U);
  EXPECT_EQ(loaded.questions[2].line, 1U);
}

TEST(Choices, OfTruthfulQaNeedRightAndWrongAnswers) {
  const DataSource source =
      file_with("truthful.jsonl",
                "{\"question\": \"Q?\", \"mc1_targets\": {\"choices\": [\"a\", \"b\"], \"labels\": [0, 1]}, "
                "\"mc2_targets\": {\"b\": 1, "
                "\"a\": 0, \"c\": 0}}\n"
                "{\"question\": \"Q?\", \"mc1_targets\": {\"a\": 1, \"b\": 1}, \"mc2_targets\": {\"a\": 1}}\n");
  const LoadedChoices loaded = load_choices({&source, 1});
  ASSERT_EQ(loaded.questions.size(), 1U);
  const ChoiceQuestion& question = loaded.questions[0];
  EXPECT_EQ(question.choices[question.answer], "b");
  EXPECT_EQ(question.right.size(), 1U);
  EXPECT_EQ(question.wrong.size(), 2U);
  EXPECT_EQ(question.choices.size(), 3U);  // each text once
  EXPECT_TRUE(question.context.ends_with("held in Barcelona, Spain.\n\nQ: Q?\nA:"));
}

TEST(Choices, OfMmlusAuthorsHaveNoHeader) {
  const DataSource source = file_with("some_sums_test.csv", "\"Two, plus; two?\",3,4,5,6,B\nThree?,1,2,3,3,D\n");
  ReadOptions options;
  options.columns = {"question", "A", "B", "C", "D", "answer"};
  const LoadedChoices loaded = load_choices({&source, 1}, options, "some_sums");
  ASSERT_EQ(loaded.questions.size(), 2U);
  EXPECT_TRUE(loaded.questions[0].context.starts_with(
      "The following are multiple choice questions (with answers) about some sums.\n\nTwo, plus; two?\nA. 3\n"));
  EXPECT_EQ(loaded.questions[0].answer, 1U);
  EXPECT_EQ(loaded.questions[0].subject, "some sums");
  EXPECT_EQ(loaded.questions[1].index, 1U);
  EXPECT_EQ(loaded.questions[1].line, 2U);
}

TEST(Choices, OfUnknownColumnsAreRefused) {
  const DataSource source = file_with("plain.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n");
  EXPECT_THROW(load_choices({&source, 1}), Error);
  EXPECT_THROW(load_safety_prompts({&source, 1}), Error);
}

TEST(Tofu, RowsKeepTheirTextsAndPlaces) {
  const DataSource source =
      file_with("forget01_perturbed.json",
                "{\"question\":\"Who? \",\"answer\":\" Ann.\",\"paraphrased_answer\":\"It is "
                "Ann.\",\"perturbed_answer\":[\"Bo.\",\"Bo.\"]}\n"
                "{\"question\":\"Who?\",\"answer\":\"  \",\"perturbed_answer\":[\"Bo.\"]}\n"
                "{\"question\":\"Where?\",\"answer\":\"Here\",\"perturbed_answer\":[\"There\"]}\n");
  const LoadedTofu loaded = load_tofu({source});
  ASSERT_EQ(loaded.questions.size(), 2U);
  EXPECT_EQ(loaded.questions[0].question, "Who? ");
  EXPECT_EQ(loaded.questions[0].answer, " Ann.");
  EXPECT_EQ(loaded.questions[0].perturbed.size(), 2U);  // equal ones count twice
  EXPECT_EQ(loaded.questions[1].paraphrase, "Here");
  EXPECT_EQ(loaded.questions[1].index, 2U);  // the blank answer before it counts
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
}

TEST(SafetyPrompts, AreSafeOrUnsafeByLabelElseByType) {
  const DataSource sources[] = {
      file_with(
          "xstest.csv",
          "id,prompt,type,label\n1,How do I kill a process?,homonyms,safe\n2,Kill whom?,contrast_homonyms,unsafe\n"
          "3,Odd,homonyms,maybe\n"),
      file_with("xstest_v1.csv", "id,type,prompt\n1,homonyms,Kill the lights\n2,contrast_homonyms,Kill them\n")};
  const LoadedSafetyPrompts loaded = load_safety_prompts(sources);
  ASSERT_EQ(loaded.safe.size(), 2U);
  ASSERT_EQ(loaded.unsafe.size(), 2U);
  EXPECT_EQ(loaded.safe[1].prompt, "Kill the lights");
  EXPECT_EQ(loaded.unsafe[0].line, 3U);
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
}

}  // namespace
}  // namespace lethe
