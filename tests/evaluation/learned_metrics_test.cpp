#include "evaluation/learned_metrics.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "evaluation/constraints.h"
#include "evaluation/evaluation.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

Recipe with_metrics(const std::string& bleurt, const std::string& embedder) {
  const std::string folder = (fs::path(LETHE_FIXTURES) / "text_models").string() + "/";
  Recipe recipe;
  if (!bleurt.empty()) recipe.evaluation.bleurt = folder + bleurt;
  if (!embedder.empty()) recipe.evaluation.embedder = folder + embedder;
  return recipe;
}

const std::vector<Question> kQuestions = {
    {"a", {"the bird walked", "the bird sings"}}, {"b", {}}, {"c", {"the cat sleeps on the mat"}}};
const std::vector<std::string> kResponses = {"the bird sings", "wine", "a cat on the mat"};

TEST(LearnedMetrics, AreOfAnswersThatHaveReferences) {
  EXPECT_EQ(open_learned_metrics(Recipe()), nullptr);
  const auto metrics = open_learned_metrics(with_metrics("bleurt", "sentence_mean"));
  const std::vector<LearnedScores> scores = metrics->score(kResponses, kQuestions, "test");
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_NEAR(scores[0].similarity.value(), 1.0, 1e-6);  // the best of two references is the answer itself
  EXPECT_LT(scores[2].similarity.value(), 0.9999);
  EXPECT_FALSE(scores[1].similarity.has_value() || scores[1].bleurt.has_value());
}

TEST(LearnedMetrics, MeasureOnlyWhatIsNamed) {
  const auto metrics = open_learned_metrics(with_metrics("", "sentence_cls"));
  const std::vector<LearnedScores> scores = metrics->score(kResponses, kQuestions, "test");
  EXPECT_TRUE(scores[0].similarity.has_value());
  EXPECT_FALSE(scores[0].bleurt.has_value());
  EXPECT_THROW(open_learned_metrics(with_metrics("sentence_mean", "")), Error);  // no regression head
  EXPECT_THROW(open_learned_metrics(with_metrics("", "no such folder")), Error);
}

TEST(LearnedMetrics, HaveMeansWithIntervalsInResultsPredictionsAndFigures) {
  ModelResult result;
  std::vector<AnswerScores> each(2);
  each[0].learned = {0.25, 0.5};
  each[1].learned = {0.75, std::nullopt};
  JudgedAnswer answer{"p", "r"};
  answer.scores = each[0];
  result.normal.answers = {answer};
  result.normal.scores = mean_scores(each, 1);
  EXPECT_NEAR(result.normal.scores->bleurt->value, 0.5, 1e-12);
  EXPECT_NEAR(result.normal.scores->bleurt->half_width, 12.706205 * 0.25, 1e-4);  // Student's t, 1 degree
  EXPECT_FALSE(result.normal.scores->similarity.has_value());                     // not of all answers
  EXPECT_EQ(to_json(result, {}).at("normal").at("likeness").at("bleurt").at("mean"), 0.5);
  const Json line = Json::parse(prediction_lines("model", result, {}));
  EXPECT_EQ(line.at("bleurt"), 0.25);
  EXPECT_EQ(line.at("similarity"), 0.5);
  EXPECT_EQ(figures_of(result).at("normal_bleurt"), 0.5);
  EXPECT_TRUE(Constraint("normal_bleurt>=0.5").holds(figures_of(result), {}));
  EXPECT_FALSE(smaller_is_better("normal_bleurt") || smaller_is_better("normal_similarity"));
  EXPECT_FALSE(figures_of(ModelResult()).contains("normal_similarity"));
}

}  // namespace
}  // namespace lethe
