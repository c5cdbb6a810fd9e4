// Texts longer than the model's positions are cut or left out, counted, and reported before work starts.
#include "evaluation/prompt_length.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "data/questions.h"
#include "folder_test.h"
#include "runs/run_folder.h"
#include "runs/training_data.h"

namespace lethe {
namespace {

class PromptLength : public FolderTest {
 protected:
  PromptLength() : tokenizer_(Tokenizer::load(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo")) {}
  static std::string words(int count) {
    std::string text = "Where";
    for (int i = 0; i < count; ++i) text += " does Mira live";
    return text;
  }
  ExampleMaker examples(std::int64_t positions) const {
    const Template layout = Template::parse(Template::sku_default);
    return {tokenizer_, layout, example_options(recipe_, layout, positions)};
  }
  Tokenizer tokenizer_;
  Recipe recipe_;
};

TEST_F(PromptLength, LongPromptsAreLeftOutCountedAndNamedBySet) {
  EvaluationSets sets;
  for (int i = 0; i < 6; ++i) sets.seen.push_back({"Who is number " + std::to_string(i) + "?", {}, {}, "f", 1});
  sets.seen.push_back({words(100), {}, {}, "f", 2});
  Question chat{"Go on.", {}, {}, "f", 3};
  chat.before = {{"user", words(100)}, {"assistant", "Yes."}};
  sets.normal = {{"Who?", {}, {}, "f", 1}};
  sets.other = {{words(90), {}, {}, "f", 9}};
  EvaluationOptions options;
  options.prompts = 7;
  options.max_new_tokens = 40;
  options.positions = 256;
  recipe_.out = (folder_ / "run").string();
  RunFolder run(recipe_, "evaluate");
  configure_terminal({});
  testing::internal::CaptureStderr();
  leave_out_long(sets, tokenizer_, options, &run);
  const std::string message = testing::internal::GetCapturedStderr();
  EXPECT_EQ(sets.seen.size(), 6U);
  EXPECT_EQ(sets.normal.size(), 1U);
  EXPECT_TRUE(sets.other.empty());
  EXPECT_NE(message.find("left out 1 seen prompt: longer than 216 tokens"), std::string::npos) << message;
  EXPECT_NE(message.find("no other prompt is left"), std::string::npos) << message;
  EXPECT_EQ(run.left_out().size(), 2U);
}

TEST_F(PromptLength, TheNextPromptReplacesALongOne) {
  EvaluationSets sets;
  for (int i = 0; i < 10; ++i) sets.seen.push_back({words(100) + std::to_string(i), {}, {}, "f", 1});
  for (int i = 0; i < 3; ++i) sets.seen.push_back({"Who is number " + std::to_string(i) + "?", {}, {}, "f", 1});
  EvaluationOptions options;
  options.prompts = 3;
  options.positions = 256;
  leave_out_long(sets, tokenizer_, options, nullptr);
  for (const Question& question : choose_questions(sets.seen, options.prompts, options.seed))
    EXPECT_TRUE(question.prompt.starts_with("Who")) << question.prompt;
}

TEST_F(PromptLength, AnAnswerIsNeverPromisedMoreThanHalfOfThePositions) {
  EXPECT_EQ(wanted_room(100, 1024), 100);
  EXPECT_EQ(wanted_room(100, 128), 64);
  EXPECT_EQ(wanted_room(100, 0), 100);
}

TEST_F(PromptLength, RowsAreCutAtTheModelsPositionsAndSaidToBe) {
  recipe_.data.max_length = 100'000;
  ExampleMaker maker = examples(64);
  EXPECT_EQ(maker.options().max_length, 64U);
  EXPECT_EQ(examples(0).options().max_length, 100'000U);
  std::vector<Pair> pairs = {{"Who?", "Mira.", "f", 1}, {"Who?", words(100), "f", 2}, {words(100), "Mira.", "f", 3}};
  configure_terminal({});
  testing::internal::CaptureStderr();
  drop_truncated(pairs, maker, recipe_, "normal");
  const std::string message = testing::internal::GetCapturedStderr();
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(maker.example(pairs[1]).ids.size(), 64U);
  EXPECT_NE(message.find("1 of 3 normal pairs left out"), std::string::npos) << message;
  EXPECT_NE(message.find("the model's 64 positions"), std::string::npos) << message;
  EXPECT_EQ(message.find("raise it"), std::string::npos) << message;
}

TEST_F(PromptLength, APlanThatDoesNotFitIsRefusedBeforeAnythingIsComputed) {
  write_file(folder_ / "plan.jsonl",
             "{\"harmful\": [[\"a\", \"b\"]], \"random\": [[]], \"normal\": [[\"" + words(100) + "\", \"Mira.\"]]}\n");
  recipe_.data.plan = (folder_ / "plan.jsonl").string();
  ExampleMaker maker = examples(64);
  EXPECT_NE(refusal_of([&] { load_run_data(recipe_, maker, nullptr); }).find("plan.jsonl, line 1"), std::string::npos);
}

TEST_F(PromptLength, WindowsOfTextThatDoNotFitAreRefusedByKey) {
  const auto refusal = [](std::int64_t window, std::int64_t stride, std::int64_t positions) -> std::string {
    EvaluationSettings settings;
    settings.window = window;
    settings.stride = stride;
    try {
      check_windows(settings, positions);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal(512, 0, 256).find("evaluation.window"), std::string::npos);
  EXPECT_NE(refusal(1, 0, 0).find("evaluation.window"), std::string::npos);
  EXPECT_NE(refusal(128, 129, 256).find("evaluation.stride"), std::string::npos);
  EXPECT_EQ(refusal(0, 0, 256), "");
  EXPECT_EQ(refusal(256, 256, 256), "");
  EXPECT_EQ(refusal(4096, 1, 0), "");
}

}  // namespace
}  // namespace lethe
