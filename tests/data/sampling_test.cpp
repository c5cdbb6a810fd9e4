// Splits that leak nothing, and draws as the method defines them.
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/files.h"
#include "data/pairs.h"
#include "data/plan.h"
#include "data/sampler.h"
#include "data/splits.h"

namespace lethe {
namespace {

std::vector<Pair> some_pairs(int prompts, int responses) {
  std::vector<Pair> pairs;
  for (int p = 0; p < prompts; ++p) {
    for (int r = 0; r < responses; ++r) {
      pairs.push_back(
          {"prompt number " + std::to_string(p), "response " + std::to_string(p) + "." + std::to_string(r)});
    }
  }
  return pairs;
}

TEST(Splits, NoPromptIsInTwoParts) {
  auto pairs = some_pairs(200, 3);
  pairs.push_back({"  PROMPT   number 7", "the same prompt in other clothes"});
  const Split split = split_pairs(pairs, {}, 1);
  std::set<std::string> train, rest;
  for (const Pair& pair : split.train) train.insert(prompt_key(pair));
  for (const auto* part : {&split.validation, &split.test}) {
    for (const Pair& pair : *part) rest.insert(prompt_key(pair));
  }
  for (const std::string& prompt : rest) EXPECT_FALSE(train.contains(prompt)) << prompt;
  EXPECT_EQ(split.train.size() + split.validation.size() + split.test.size(), pairs.size());
  EXPECT_NEAR(static_cast<double>(split.prompts_train) / 200, 0.7, 0.1);
}

TEST(Splits, SimilarPromptsStayTogetherOnRequest) {
  const std::vector<std::string> prompts = {"how do I steal a red car quickly", "how do I steal a red car",
                                            "what is the height of the tower"};
  const auto groups = similarity_groups(prompts, 0.7);
  EXPECT_EQ(groups[0], groups[1]);
  EXPECT_NE(groups[0], groups[2]);
}

TEST(Splits, SharesAboveOneAreRefused) {
  EXPECT_THROW(split_pairs(some_pairs(3, 1), {.train = 0.9, .validation = 0.2, .test = 0.2}, 1), Error);
}

TEST(Splits, AreMadeByPromptOrBySimilarityAlone) {
  EXPECT_EQ(split_by_named("prompt"), SplitBy::prompt);
  EXPECT_EQ(split_by_named("similarity"), SplitBy::similarity);
  EXPECT_THROW(split_by_named("row"), Error);
}

TEST(RandomDisassociation, NeverDrawsTheOwnPromptsResponsesNorOneTwice) {
  const auto pairs = some_pairs(6, 2);
  StepSampler sampler(pairs, {}, {.batch = 3, .k = 5, .seed = 3});
  for (std::uint64_t step = 0; step < 50; ++step) {
    const StepRows rows = sampler.rows(step);
    ASSERT_EQ(rows.random.size(), rows.harmful.size());
    for (std::size_t i = 0; i < rows.harmful.size(); ++i) {
      const std::set<std::string> drawn(rows.random[i].begin(), rows.random[i].end());
      EXPECT_EQ(drawn.size(), 5U);
      for (const Pair& pair : pairs) {
        if (pair.prompt == rows.harmful[i].prompt) {
          EXPECT_FALSE(drawn.contains(pair.response));
        }
      }
    }
  }
}

TEST(RandomDisassociation, TooFewResponsesAreReportedBeforeTraining) {
  EXPECT_THROW(StepSampler(some_pairs(3, 1), {}, {.batch = 1, .k = 5}), Error);
}

TEST(StepSampler, RowsDependOnTheStepAlone) {
  const auto pairs = some_pairs(20, 2);
  StepSampler forward(pairs, pairs, {.batch = 2, .k = 3, .seed = 9}),
      backward(pairs, pairs, {.batch = 2, .k = 3, .seed = 9});
  std::vector<StepRows> rows;
  for (std::uint64_t step = 0; step < 40; ++step) rows.push_back(forward.rows(step));
  for (std::uint64_t step = 40; step-- > 0;) EXPECT_EQ(backward.rows(step), rows[step]);
}

TEST(StepSampler, EveryRowComesOnceAnEpoch) {
  const auto pairs = some_pairs(10, 1);
  StepSampler sampler(pairs, {}, {.batch = 2, .k = 0});
  std::set<std::string> seen;
  for (std::uint64_t step = 0; step < 5; ++step) {
    for (const Pair& pair : sampler.rows(step).harmful) seen.insert(pair.response);
  }
  EXPECT_EQ(seen.size(), 10U);
}

TEST(Plan, IsReadBackAsItWasWritten) {
  StepSampler sampler(some_pairs(8, 1), some_pairs(4, 1), {.batch = 2, .k = 2});
  const auto path = std::filesystem::path(testing::TempDir()) / "plan.jsonl";
  write_file(path, plan_line(sampler.rows(0)) + "\n" + plan_line(sampler.rows(1)) + "\n");
  const auto plan = load_plan(path);
  ASSERT_EQ(plan.size(), 2U);
  EXPECT_EQ(plan[1].random, sampler.rows(1).random);
  EXPECT_EQ(plan[1].normal[0].prompt, sampler.rows(1).normal[0].prompt);
}

}  // namespace
}  // namespace lethe
