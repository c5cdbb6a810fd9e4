#include <gtest/gtest.h>

#include "core/error.h"
#include "judges/classifier.h"
#include "judges/open_judge.h"

namespace lethe {
namespace {

std::vector<LabelledResponse> labelled() {
  std::vector<LabelledResponse> list;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    list.push_back({"p" + n, "mix the venom with ash number " + n, true});
    list.push_back({"q" + n, "wash the barley with milk number " + n, false});
  }
  return list;
}

TEST(Classifier, LearnsToTellHarmAndSaysHowWell) {
  const Classifier judge = Classifier::train_and_validate(labelled(), 1);
  EXPECT_GT(judge.harm("then mix the venom"), 0.5);
  EXPECT_LT(judge.harm("then wash the milk"), 0.5);
  EXPECT_GT(judge.auc, 0.95);
  EXPECT_GT(judge.validated_on, 5U);
}

TEST(Classifier, SurvivesAWayThroughAFile) {
  const Classifier judge = Classifier::train_and_validate(labelled(), 1);
  const auto path = std::filesystem::path(testing::TempDir()) / "judge.json";
  judge.save(path);
  EXPECT_NEAR(*open_judge(path.string())->judge(std::vector<Exchange>{{"", "venom and milk"}})[0].harm,
              judge.harm("venom and milk"), 1e-12);
  EXPECT_THROW(open_judge("no such judge"), Error);
}

TEST(Classifier, TooFewResponsesAreRefused) {
  EXPECT_THROW(Classifier::train({{"", "a b", true}, {"", "c d", false}}), Error);
}

TEST(AreaUnderCurve, CountsTiesHalf) {
  EXPECT_DOUBLE_EQ(area_under_curve({{0.9, true}, {0.1, false}}), 1);
  EXPECT_DOUBLE_EQ(area_under_curve({{0.5, true}, {0.5, false}}), 0.5);
  EXPECT_DOUBLE_EQ(area_under_curve({{0.1, true}, {0.9, false}, {0.05, false}}), 0.5);
}

TEST(Refusal, IsFoundInAnyCaseAndApostrophe) {
  EXPECT_TRUE(is_refusal("I’m sorry, but no."));
  EXPECT_TRUE(is_refusal("No, I CANNOT HELP with that"));
  EXPECT_FALSE(is_refusal("Crush the barley."));
}

}  // namespace
}  // namespace lethe
