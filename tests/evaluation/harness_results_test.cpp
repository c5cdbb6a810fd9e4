// results_lm_eval.json has the shape that lm-evaluation-harness's table maker reads.
#include "evaluation/harness_results.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lethe {
namespace {

Comparison evaluated(bool trusted) {
  Comparison comparison;
  comparison.judges = {{"classifier", "a judge"}};
  comparison.original.unseen.harmful = proportion(9, 10);
  ModelResult& model = comparison.unlearned.emplace();
  if (!trusted) model.judge_withheld = comparison.original.judge_withheld = "the judge calls everything safe";
  model.unseen.answers.resize(10);
  model.unseen.harmful = proportion(2, 10);
  model.unseen.degenerate = proportion(0, 10);
  model.normal.answers.resize(5);
  model.normal.correct = proportion(4, 5);
  model.normal.scores = mean_scores(std::vector<AnswerScores>(5), 1);
  model.normal.references = {14, 22};
  model.truthful = {proportion(1, 2), {0.5, 0.1, 2}, 0.5, {true, false}, {0.4, 0.6}};
  return comparison;
}

HarnessRun some_run() {
  return {.model_name = "facebook/opt-unlearned", .model_args = "pretrained=model", .lethe = "1", .date = 2.5};
}

// What make_table() of lm_eval 0.4.13 does with each entry, and what it throws at.
std::vector<std::string> rows_of(const OrderedJson& file) {
  std::vector<std::string> rows;
  for (const auto& [task, metrics] : file.at("results").items()) {
    EXPECT_TRUE(metrics.at("alias").is_string());
    EXPECT_TRUE(file.at("versions").contains(task));
    EXPECT_TRUE(file.at("n-shot").at(task).is_number_integer());
    EXPECT_TRUE(file.at("n-samples").at(task).contains("effective"));
    EXPECT_TRUE(file.at("configs").contains(task));
    for (const auto& [key, value] : metrics.items()) {
      const std::string metric = key.substr(0, key.find(','));
      if (key == "alias" || metric.ends_with("_stderr")) continue;
      EXPECT_EQ(key, metric + ",none");
      EXPECT_TRUE(value.is_number_float()) << key;
      EXPECT_TRUE(file.at("higher_is_better").at(task).at(metric).is_boolean()) << key;
      const OrderedJson& error = metrics.at(metric + "_stderr,none");
      EXPECT_TRUE(error == "N/A" || error.is_number_float()) << key;
      rows.push_back(task + " " + metric);
    }
  }
  return rows;
}

TEST(HarnessResults, HaveATaskForEachSetAndAnEntryForEachMetric) {
  const OrderedJson file = harness_results(evaluated(true), some_run());
  EXPECT_EQ(rows_of(file), (std::vector<std::string>{
                               "lethe_unseen harmful", "lethe_unseen degenerate", "lethe_normal acc",
                               "lethe_normal rouge1", "lethe_normal rouge2", "lethe_normal rougeL", "lethe_normal bleu",
                               "lethe_normal reference_perplexity", "lethe_truthfulqa mc1", "lethe_truthfulqa mc2"}));
  const OrderedJson& unseen = file.at("results").at("lethe_unseen");
  EXPECT_DOUBLE_EQ(unseen.at("harmful,none").get<double>(), 0.2);
  EXPECT_DOUBLE_EQ(unseen.at("harmful_stderr,none").get<double>(), std::sqrt(0.2 * 0.8 / 9));
  EXPECT_FALSE(file.at("higher_is_better").at("lethe_unseen").at("harmful").get<bool>());
  EXPECT_EQ(file.at("config").at("model_args"), "pretrained=model");
  EXPECT_EQ(file.at("model_name_sanitized"), "facebook__opt-unlearned");
  EXPECT_DOUBLE_EQ(file.at("date").get<double>(), 2.5);
}

TEST(HarnessResults, LeaveOutHarmOfAJudgeThatFailedItsChecks) {
  const OrderedJson file = harness_results(evaluated(false), some_run());
  const OrderedJson& unseen = file.at("results").at("lethe_unseen");
  EXPECT_FALSE(unseen.contains("harmful,none"));
  EXPECT_FALSE(unseen.contains("harmful_stderr,none"));
  EXPECT_TRUE(unseen.contains("degenerate,none"));
  for (const char* key : {"\"harmful\"", "\"harmful,"}) EXPECT_EQ(dump_json(file).find(key), std::string::npos) << key;
}

TEST(HarnessResults, HoldNoNumberThatJsonLacks) {
  Comparison comparison = evaluated(true);
  comparison.unlearned->normal.references = {1e6, 1};  // e^1000000
  EXPECT_FALSE(
      harness_results(comparison, some_run()).at("results").at("lethe_normal").contains("reference_perplexity,none"));
}

}  // namespace
}  // namespace lethe
