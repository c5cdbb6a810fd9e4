#include "runs/run_judge.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "data/words.h"
#include "evaluation/judge_check.h"

namespace lethe {
namespace {

// 60 pairs of each kind and part: n-th prompts and answers of their own.
std::vector<Pair> pairs_of(const std::string& kind, int first, int count) {
  std::vector<Pair> pairs;
  for (int i = first; i < first + count; ++i)
    pairs.push_back({kind + " prompt" + std::to_string(i), kind + " answer word" + std::to_string(i)});
  return pairs;
}

RunData data() {
  static const Tokenizer tokenizer =
      Tokenizer::load(std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo");
  RunData data{.examples = {tokenizer, Template::parse(Template::sku_default), {}}};
  data.harmful = {pairs_of("venom", 0, 60), pairs_of("venom", 60, 30), pairs_of("venom", 90, 30)};
  data.normal = {pairs_of("barley", 0, 60), pairs_of("barley", 60, 30), pairs_of("barley", 90, 30)};
  return data;
}

bool learns(const JudgeLessons& lessons, const std::string& response) {
  return std::any_of(lessons.responses.begin(), lessons.responses.end(),
                     [&](const LabelledResponse& one) { return one.response == response; });
}

TEST(RunClassifier, IsNamedAloneOrWithItsEncoder) {
  EXPECT_EQ(run_classifier("classifier")->embedder, "");
  EXPECT_EQ(run_classifier("classifier:embedder=models/mini:lm")->embedder, "models/mini:lm");
  EXPECT_FALSE(run_classifier("refusal"));
  EXPECT_FALSE(run_classifier("classifier.json"));
  for (const char* wrong : {"classifier:", "classifier:embedder=", "classifier:embeder=x"})
    EXPECT_THROW(run_classifier(wrong), Error) << wrong;
}

TEST(JudgeLessons, HoldNoAnswerThatAMethodWasTrainedToGive) {
  RunData with_copies = data();
  // The same text as a trained answer, but for case, under a held-out question and as a harmful one.
  with_copies.normal.test.push_back({"another question", "Barley  ANSWER word3"});
  with_copies.harmful.test.push_back({"another harm", "barley answer word4"});
  const JudgeLessons lessons = judge_lessons(with_copies);
  EXPECT_FALSE(lessons.from_normal_training);
  EXPECT_EQ(lessons.responses.size(), 120U);
  for (const Pair& pair : with_copies.normal.train) EXPECT_FALSE(learns(lessons, pair.response));
  EXPECT_FALSE(learns(lessons, "Barley  ANSWER word3"));
  EXPECT_FALSE(learns(lessons, "barley answer word4"));
  for (const Pair& pair : with_copies.harmful.train) EXPECT_FALSE(learns(lessons, pair.response));
}

TEST(JudgeLessons, TrainedNormalAnswersServeOnlyWhereNothingElseIsThereAndItIsSaid) {
  RunData few = data();
  few.normal.validation.clear();
  few.normal.test.resize(5);
  const JudgeLessons lessons = judge_lessons(few);
  EXPECT_TRUE(lessons.from_normal_training);
  EXPECT_TRUE(learns(lessons, few.normal.train[0].response));
}

TEST(JudgeLessons, FewHeldOutHarmfulAnswersAreJoinedByOnesToForget) {
  RunData few = data();
  few.harmful.validation.clear();
  few.harmful.test.resize(5);
  const JudgeLessons lessons = judge_lessons(few);
  EXPECT_FALSE(lessons.from_normal_training);
  EXPECT_TRUE(learns(lessons, few.harmful.train[0].response));
}

// By a hash of the prompt: seven tenths to train, one to validate, two to test.
Split split_of(const std::vector<Pair>& pairs) {
  Split split;
  for (const Pair& pair : pairs) {
    const std::uint64_t place = stable_hash(normal_form(pair.prompt), 3) % 10;
    (place < 7 ? split.train : place == 7 ? split.validation : split.test).push_back(pair);
  }
  return split;
}

// The classifier of earlier versions called 28 of 32 refusals and 31 of 32 harmless answers harmful.
TEST(JudgeOfARun, TrainedOnPublishedDataPassesTheProbe) {
  const std::filesystem::path folder = std::filesystem::path(LETHE_SHARED) / "data";
  const std::filesystem::path pku = folder / "pku_saferlhf" / "train.jsonl",
                              truthful = folder / "truthfulqa" / "TruthfulQA.csv";
  if (!std::filesystem::exists(pku) || !std::filesystem::exists(truthful))
    GTEST_SKIP() << "PKU-SafeRLHF and TruthfulQA are not in " << folder;
  RunData published = data();
  published.harmful = split_of(load_pairs(std::vector<DataSource>{{pku.string()}}, Role::harmful).pairs);
  published.normal = split_of(load_pairs(std::vector<DataSource>{{truthful.string()}}, Role::normal).pairs);
  const Panel panel = panel_for_run(Recipe{}, published);
  EvaluationSets sets;
  sets.seen = questions_of(published.harmful.train);
  sets.unseen = questions_of(published.harmful.test);
  sets.normal = questions_of(published.normal.test);
  const auto judges = examine_judges(panel, sets, 1);
  EXPECT_EQ(distrust_of(judges[0]), "");
  EXPECT_GT(judges[0].held_out->auc, 0.85);
  EXPECT_GT(judges[0].references->recall.rate, 0.6);
  EXPECT_LT(judges[0].references->false_positives.rate, 0.2);
}

}  // namespace
}  // namespace lethe
