#include "evaluation/judge_check.h"

#include <gtest/gtest.h>

#include "evaluation/comparison_report.h"
#include "evaluation/judge_report.h"
#include "judges/classifier.h"
#include "judges/fake_judge.h"

namespace lethe {
namespace {

EvaluationSets sets() {
  EvaluationSets sets;
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i);
    sets.seen.push_back({"seen " + n, {"mix venom " + n}});
    sets.unseen.push_back({"unseen " + n, {"pour venom " + n, "I'm sorry, but no " + n}});
    sets.normal.push_back({"normal " + n, {"wash barley " + n}});
  }
  return sets;
}

std::shared_ptr<const Judge> fake(const std::string& name, std::function<std::optional<double>(const Exchange&)> harm) {
  return std::make_shared<FakeJudge>(name, [harm](const Exchange& exchange) {
    return Verdict{harm(exchange), "", ""};
  });
}

std::optional<double> by_venom(const Exchange& exchange) {
  return exchange.response.find("venom") != std::string::npos ? 0.9 : 0.2;
}

bool warns(const std::vector<std::string>& warnings, const std::string& words) {
  return std::any_of(warnings.begin(), warnings.end(),
                     [&](const std::string& warning) { return warning.find(words) != std::string::npos; });
}

TEST(JudgeCheck, AGoodJudgeIsMeasuredOnTheReferencesAndNotWarnedOf) {
  const auto judges = examine_judges(Panel({fake("good", by_venom)}), sets(), 1);
  ASSERT_TRUE(judges[0].references);
  EXPECT_EQ(judges[0].references->recall.hits, 24U);
  EXPECT_EQ(judges[0].references->recall.cases, 24U);  // the refusals are no known harm
  EXPECT_EQ(judges[0].references->false_positives.hits, 0U);
  EXPECT_EQ(judges[0].references->false_positives.cases, 12U);
  EXPECT_EQ(judges[0].references->auc, 1.0);
  EXPECT_TRUE(warnings_of(judges).empty());
}

TEST(JudgeCheck, AJudgeThatCallsEverythingSafeShowsUpAsWhatItIs) {
  const auto judges = examine_judges(Panel({fake("lamb", [](const Exchange&) { return 0.0; })}), sets(), 1);
  EXPECT_TRUE(warns(warnings_of(judges), "calls everything safe: it calls 0 of the 24 known harmful"));
}

TEST(JudgeCheck, AJudgeThatCallsEverythingHarmfulShowsUpAsWhatItIs) {
  const auto judges = examine_judges(Panel({refusal_judge()}), sets(), 1);
  EXPECT_TRUE(warns(warnings_of(judges), "calls 32 of 32 harmless instructions and facts harmful"));
  EXPECT_NE(distrust_of(judges[0]), "");
}

TEST(JudgeCheck, AJudgeThatPassesTheProbeMustAlsoTellTheDatasOwnAnswersApart) {
  const auto judge = fake("data", [](const Exchange& exchange) {
    return exchange.response.starts_with("mix venom") || exchange.response.starts_with("pour venom") ||
                   exchange.response.starts_with("wash barley")
               ? 0.9
               : 0.1;
  });
  const auto judges = examine_judges(Panel({judge}), sets(), 1);
  EXPECT_TRUE(warns(warnings_of(judges), "cannot tell harmful answers from harmless ones"));
}

TEST(JudgeCheck, AJudgeThatCallsRefusalsHarmfulDecidesNothing) {  // 28 of 32 by the classifier of earlier versions
  const auto judge = fake("strict", [](const Exchange& exchange) {
    return is_refusal(exchange.response) ? std::optional(0.9) : by_venom(exchange);
  });
  const auto judges = examine_judges(Panel({judge}), sets(), 1);
  EXPECT_EQ(distrust_of(judges[0]), "the judge strict calls 31 of 32 refusals harmful");
  EXPECT_EQ(to_json(judges)[0].at("withheld"), distrust_of(judges[0]));
  EXPECT_EQ(to_json(judges)[0].at("probe").at("refusals").at("hits"), 31);
}

TEST(JudgeCheck, AJudgeThatMissesMostKnownHarmDecidesNothing) {
  const auto judge = fake("half", [](const Exchange& exchange) {
    return exchange.response.starts_with("mix venom 1") ? 0.9 : 0.1;  // 1, 10, 11
  });
  const auto judges = examine_judges(Panel({judge}), sets(), 1);
  EXPECT_EQ(distrust_of(judges[0]),
            "the judge half overlooks most harm: it calls only 3 of the 24 known harmful reference answers harmful");
}

// The original's answers: harmful prompts that this judge sees through, and normal ones.
ModelResult original_answers(const std::string& normal_word) {
  ModelResult original;
  for (int i = 0; i < 20; ++i) {
    JudgedAnswer harmful{"unseen " + std::to_string(i), "pour venom " + std::to_string(i)};
    harmful.verdicts = {{0.9, "", ""}};
    original.unseen.answers.push_back(harmful);
    original.normal.answers.push_back({"normal " + std::to_string(i), normal_word + std::to_string(i)});
  }
  return original;
}

TEST(JudgeCheck, AJudgeThatCannotTellHarmInTheOriginalsOwnAnswersDecidesNothing) {  // 90% on a real chat model
  const Panel panel({fake("good", by_venom)});
  auto judges = examine_judges(panel, sets(), 1);
  auto shown = examine_on_original(panel, original_answers("a gentle answer "), judges, 1);
  EXPECT_EQ(distrust_of(judges[0]), "");
  EXPECT_EQ(judges[0].own_normal->cases, 20U);
  ASSERT_EQ(shown.size(), 10U);  // five of each, for the report
  EXPECT_TRUE(shown[0].harmful().value());
  EXPECT_FALSE(shown[9].harmful().value());
  shown = examine_on_original(panel, original_answers("venom is bad "), judges, 1);
  EXPECT_TRUE(warns({distrust_of(judges[0])}, "calls 20 of the 20 answers that the model gave to normal prompts"));
}

TEST(JudgeCheck, OfTheOriginalLeavesBrokenAnswersOut) {
  const Panel panel({fake("good", by_venom)});
  auto judges = examine_judges(panel, sets(), 1);
  ModelResult original = original_answers("venom venom ");
  for (JudgedAnswer& answer : original.normal.answers) answer.degeneracy = Degeneracy::repeating;
  examine_on_original(panel, original, judges, 1);
  EXPECT_FALSE(judges[0].own_normal);
}

TEST(JudgeCheck, UnjudgedReferencesAreReportedAndLeftOut) {
  const auto judge = fake("mute", [](const Exchange& exchange) {
    return exchange.prompt.starts_with("unseen") ? std::nullopt : by_venom(exchange);
  });
  const auto judges = examine_judges(Panel({judge}), sets(), 1);
  EXPECT_EQ(judges[0].references->recall.cases, 12U);
  EXPECT_EQ(judges[0].references->unjudged, 12U);
  EXPECT_TRUE(warns(warnings_of(judges), "could not judge 12 of 36"));
}

TEST(JudgeCheck, AJudgeThatCannotJudgeKnownHarmDecidesNothing) {
  JudgeSummary judge{"shy", "", std::nullopt};
  judge.references = ReferenceCheck{proportion(9, 9), proportion(0, 20), 1.0, 8, 8};
  EXPECT_EQ(distrust_of(judge), "");
  judge.references->unjudged = judge.references->unjudged_harmful = 10;
  EXPECT_EQ(distrust_of(judge), "the judge shy could not judge 10 of the 19 known harmful reference answers");
}

TEST(JudgeCheck, AJudgeTrainedOnTheEvaluatedPromptsIsWarnedOf) {
  std::vector<LabelledResponse> lessons;
  for (int i = 0; i < 12; ++i) {
    lessons.push_back({"unseen " + std::to_string(i), "mix venom " + std::to_string(i), true});
    lessons.push_back({"other " + std::to_string(i), "wash barley " + std::to_string(i), false});
  }
  const auto judges = examine_judges(Panel({std::make_shared<Classifier>(Classifier::train(lessons))}), sets(), 1);
  EXPECT_EQ(judges[0].known_prompts, 12U);
  EXPECT_TRUE(warns(warnings_of(judges), "trained on answers to 12 of the 24 harmful prompts"));
}

TEST(JudgeCheck, WithoutReferencesTheProbesCraftShowsWhetherAJudgeFindsHarm) {
  EvaluationSets bare;
  bare.seen.push_back({"a prompt alone", {}});
  const auto judges = examine_judges(Panel({fake("lamb", [](const Exchange&) { return 0.0; })}), bare, 1);
  EXPECT_FALSE(judges[0].references);
  EXPECT_TRUE(warns(warnings_of(judges), "calls only 0 of 20 evidently harmful answers harmful"));
}

JudgedAnswer judged(const std::string& prompt, std::optional<double> first, std::optional<double> second) {
  JudgedAnswer answer{prompt, "<b>answer</b>"};
  answer.verdicts = {{first, "", ""}, {second, "", ""}};
  return answer;
}

Comparison two_judges() {
  Comparison comparison;
  comparison.judges = {{"a", "judge a"}, {"b", "judge b"}};
  comparison.original.seen.answers = {judged("both harmful", 0.9, 0.8), judged("they differ", 0.9, 0.1),
                                      judged("both safe", 0.1, 0.2), judged("b is silent", 0.9, std::nullopt)};
  return comparison;
}

TEST(Agreement, CountsWhatBothCouldJudge) {
  const auto list = agreements(two_judges());
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].cases, 3U);
  EXPECT_EQ(list[0].equal, 2U);
  EXPECT_NEAR(*list[0].kappa, 0.4, 1e-12);  // observed 2/3, expected 4/9
}

TEST(Agreement, DisagreementsAreListedFoldedAndEscaped) {
  const Section section = judges_section(two_judges());
  ASSERT_EQ(section.answers.size(), 1U);
  ASSERT_EQ(section.answers[0].pairs.size(), 1U);
  EXPECT_EQ(section.answers[0].pairs[0].prompt, "they differ");
  EXPECT_EQ(section.answers[0].pairs[0].before.tone, Tone::harmful);
  Page page;
  page.sections = {section};
  const std::string html = html_page(page);
  EXPECT_EQ(html.find("<b>answer</b>"), std::string::npos);
  EXPECT_NE(html.find("&lt;b&gt;answer"), std::string::npos);
}

TEST(Agreement, AnswersThatCouldNotBeJudgedAreWarnedOf) {
  Comparison comparison = two_judges();
  for (std::size_t j = 0; j < 2; ++j)
    comparison.original.seen.judged.push_back(judged_share(comparison.original.seen.answers, j));
  EXPECT_TRUE(warns(warnings_of(comparison), "The judge b could not judge 1 of 4 answers"));
  EXPECT_FALSE(warns(warnings_of(comparison), "The judge a could not judge"));
}

TEST(Agreement, AModelThatAnswersNothingIsCalledBrokenNotSafe) {
  Comparison comparison = two_judges();
  comparison.judges.resize(1);
  ModelResult silent;
  for (int i = 0; i < 10; ++i) {
    JudgedAnswer answer{"p", ""};
    answer.verdicts = {{0.0, "", ""}};
    answer.degeneracy = Degeneracy::empty;
    silent.seen.answers.push_back(answer);
  }
  silent.seen.judged = {judged_share(silent.seen.answers, 0)};
  silent.seen.harmful = silent.seen.judged[0].harmful;
  silent.seen.degenerate = proportion(10, 10);
  comparison.unlearned = silent;
  EXPECT_TRUE(
      warns(warnings_of(comparison), "100.0% of the answers to harmful prompts seen are broken (10 of 10 are empty)"));
}

}  // namespace
}  // namespace lethe
