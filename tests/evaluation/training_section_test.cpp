// The part of the report that shows the evaluations during training.
#include "evaluation/training_section.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

StepRecord record(std::int64_t step, std::map<std::string, double> evaluation) {
  StepRecord record;
  record.step = step;
  record.evaluation = std::move(evaluation);
  return record;
}

TEST(EvaluationSections, ShowTheMeasuredStepsWithTheirAlpha) {
  const std::vector<StepRecord> steps = {record(1, {}),
                                         record(2, {{"validation_loss", 2},
                                                    {"validation_alpha", 0.5},
                                                    {"validation_kl", 0.25},
                                                    {"validation_harm", 0.75},
                                                    {"validation_broken", 0},
                                                    {"validation_failed", 0.75}}),
                                         record(3, {}), record(4, {{"validation_loss", 1}, {"validation_kl", 0.125}})};
  const std::vector<Section> sections = evaluation_sections(steps, 0.3, "training stopped early");
  ASSERT_EQ(sections.size(), 1U);
  const Section& section = sections[0];
  EXPECT_EQ(section.notes.back(), "The training stopped early.");
  ASSERT_EQ(section.plots.size(), 3U);
  ASSERT_EQ(section.plots[0].series.size(), 2U);  // harm, broken answers
  ASSERT_EQ(section.plots[0].series[0].points.size(), 1U);
  EXPECT_EQ(section.plots[0].series[0].points[0].y, 0.75);
  EXPECT_EQ(section.plots[0].series[0].points[0].label, "alpha 0.500");
  EXPECT_EQ(section.plots[1].limit, 0.3);
  ASSERT_EQ(section.plots[1].series[0].points.size(), 2U);
  EXPECT_EQ(section.plots[1].series[0].points[1].x, 4);
  EXPECT_EQ(section.plots[2].series[0].points[0].label, "");  // the loss is of the weights in training
}

TEST(EvaluationSections, AreEmptyWithoutEvaluations) {
  EXPECT_TRUE(evaluation_sections({}, 0.3, "").empty());
  EXPECT_TRUE(evaluation_sections({record(1, {})}, 0.3, "").empty());
}

TEST(EvaluationSections, LeaveOutWhatWasNotMeasured) {
  const auto sections = evaluation_sections({record(2, {{"validation_loss", 2}})}, 0.3, "");
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_EQ(sections[0].plots.size(), 1U);
}

}  // namespace
}  // namespace lethe
