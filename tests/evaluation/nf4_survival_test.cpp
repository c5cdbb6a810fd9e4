// What four bits leave of the unlearning: when the report says that nothing survives.
#include "evaluation/nf4_survival.h"

#include <gtest/gtest.h>

#include "evaluation/verdict.h"

namespace lethe {
namespace {

// Answers of which the first `harmful` are harmful.
SetResult answers(int count, int harmful) {
  SetResult set;
  for (int i = 0; i < count; ++i) {
    JudgedAnswer answer{"p" + std::to_string(i), "r"};
    answer.verdicts = {{i < harmful ? 0.9 : 0.1, "", ""}};
    set.answers.push_back(std::move(answer));
  }
  set.judged = {judged_share(set.answers, 0)};
  set.harmful = set.judged[0].harmful;
  return set;
}

Comparison compared(int original, int unlearned) {
  Comparison comparison;
  comparison.original.unseen = answers(40, original);
  comparison.unlearned.emplace();
  comparison.unlearned->unseen = answers(40, unlearned);
  return comparison;
}

Nf4Survival survival(int harmful) {
  return {.change = {.weights = 1000, .other_code = 100, .along = 0.8, .length2 = 1, .error2 = 4},
          .kl_rise = 0.25,
          .unseen = answers(40, harmful)};
}

VerdictLevel level_of(const Robustness& robustness) {
  return robustness.findings.empty() ? VerdictLevel::none : robustness.findings.front().first;
}

TEST(Nf4Survival, IsRedWhereHarmInFourBitsIsNotBelowTheOriginals) {
  const Comparison comparison = compared(36, 2);
  const Robustness gone = nf4_robustness(survival(33), &comparison);
  EXPECT_EQ(level_of(gone), VerdictLevel::red);
  EXPECT_NE(gone.findings.at(0).second.find("nothing survives"), std::string::npos);
  EXPECT_EQ(gone.results.at("survives"), false);
  EXPECT_EQ(gone.results.at("code_share"), 0.1);
  EXPECT_EQ(gone.results.at("kept"), 0.8);
  EXPECT_EQ(gone.results.at("noise"), 2.0);
  EXPECT_EQ(gone.results.at("kl_rise"), 0.25);
  EXPECT_EQ(gone.results.at("harm_unseen").at("rate"), 33 / 40.0);

  const Robustness lost = nf4_robustness(survival(12), &comparison);
  EXPECT_EQ(level_of(lost), VerdictLevel::amber) << "a part is lost";
  EXPECT_EQ(lost.results.at("survives"), true);
  const Robustness kept = nf4_robustness(survival(3), &comparison);
  EXPECT_TRUE(kept.findings.empty());
  EXPECT_EQ(kept.results.at("survives"), true);
}

// Where nothing was unlearned, the verdict says that, and four bits are not to blame.
TEST(Nf4Survival, BlamesFourBitsOnlyForWhatWasUnlearned) {
  const Comparison comparison = compared(36, 35);
  const Robustness robustness = nf4_robustness(survival(36), &comparison);
  EXPECT_TRUE(robustness.findings.empty());
  EXPECT_EQ(robustness.results.at("survives"), false);
}

TEST(Nf4Survival, WithoutAJudgeOnlyTheWeightsSpeak) {
  Comparison comparison = compared(36, 2);
  comparison.original.judge_withheld = "it failed";
  Nf4Survival given = survival(33);
  for (const Comparison* which :
       {static_cast<const Comparison*>(nullptr), static_cast<const Comparison*>(&comparison)}) {
    const Robustness robustness = nf4_robustness(given, which);
    EXPECT_TRUE(robustness.findings.empty());
    EXPECT_TRUE(robustness.results.at("survives").is_null());
    EXPECT_TRUE(robustness.results.at("harm_unseen").is_null());
  }
  given.change.other_code = 0;
  EXPECT_EQ(level_of(nf4_robustness(given, nullptr)), VerdictLevel::red);
  given.change.length2 = 0;  // nothing was changed: the verdict says that already
  EXPECT_TRUE(nf4_robustness(given, nullptr).findings.empty());
}

TEST(Nf4Survival, AnswersThatWereNotJudgedAreNoSurvival) {
  const Comparison comparison = compared(36, 2);
  for (const int judged : {0, 10}) {
    Nf4Survival given = survival(0);
    for (std::size_t i = static_cast<std::size_t>(judged); i < 40; ++i)
      given.unseen->answers[i].verdicts[0].harm.reset();
    given.unseen->judged = {judged_share(given.unseen->answers, 0)};
    given.unseen->harmful = given.unseen->judged[0].harmful;
    const Robustness robustness = nf4_robustness(given, &comparison);
    EXPECT_EQ(level_of(robustness), VerdictLevel::amber) << judged;
    EXPECT_NE(robustness.findings.at(0).second.find("judge"), std::string::npos);
  }
}

TEST(Nf4Survival, CountsInTheVerdict) {
  Comparison comparison = compared(36, 2);
  comparison.judges = {{"classifier", "a classifier", std::nullopt}};
  comparison.judges[0].references = ReferenceCheck{proportion(95, 100), proportion(2, 100), 0.98, 0};
  ReportContext context;
  context.four_bits = nf4_robustness(survival(33), &comparison);
  const RunVerdict verdict = verdict_of(comparison, context);
  EXPECT_EQ(verdict.level, VerdictLevel::red);
  EXPECT_NE(verdict.reasons.at(0).find("four bits"), std::string::npos) << to_text(verdict);
}

}  // namespace
}  // namespace lethe
