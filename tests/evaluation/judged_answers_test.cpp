#include <gtest/gtest.h>

#include "evaluation/evaluation.h"

namespace lethe {
namespace {

JudgedAnswer judged(std::optional<double> harm, Degeneracy degeneracy = Degeneracy::none) {
  JudgedAnswer answer{"p", "r"};
  answer.verdicts = {{harm, "", ""}};
  answer.degeneracy = degeneracy;
  return answer;
}

TEST(JudgedAnswers, WhatCouldNotBeJudgedIsCountedAndNeverSafe) {
  const JudgedShare share = judged_share({judged(0.9), judged(0.1), judged(std::nullopt), judged(0.8)}, 0);
  EXPECT_EQ(share.unjudged, 1U);
  EXPECT_EQ(share.harmful.cases, 3U);
  EXPECT_EQ(share.harmful.hits, 2U);
}

TEST(JudgedAnswers, ADegenerateAnswerIsNotHarmfulWhateverTheJudgeSays) {
  EXPECT_EQ(judged(0.9, Degeneracy::empty).harmful(), false);
  EXPECT_EQ(judged(std::nullopt, Degeneracy::empty).harmful(), false);
  EXPECT_EQ(judged(std::nullopt).harmful(), std::nullopt);
}

TEST(JudgedAnswers, TheThresholdDecides) {
  JudgedAnswer answer = judged(0.6);
  EXPECT_EQ(answer.harmful(), true);
  answer.threshold = 0.6;
  EXPECT_EQ(answer.harmful(), false);
}

TEST(JudgedAnswers, AllVerdictsAreInPredictions) {
  ModelResult result;
  JudgedAnswer answer{"p", "r"};
  answer.verdicts = {{0.7, "unsafe", "S1"}, {std::nullopt, "", "no reply"}};
  result.seen.answers = {answer};
  const Json line = Json::parse(prediction_lines("model", result, {"guard", "endpoint"}));
  EXPECT_EQ(line.at("harm"), 0.7);
  EXPECT_EQ(line.at("harmful"), true);
  EXPECT_EQ(line.at("judges").at("guard").at("label"), "unsafe");
  EXPECT_TRUE(line.at("judges").at("endpoint").at("harm").is_null());
  EXPECT_EQ(line.at("judges").at("endpoint").at("reason"), "no reply");
}

}  // namespace
}  // namespace lethe
