// What the comparison page says of a run: its files are hostile, and may be damaged.
#include "runs/compare_data.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/redaction.h"
#include "folder_test.h"
#include "report/compare_page.h"

namespace lethe {
namespace {

class CompareData : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Recipe recipe;
    recipe.model = "org/opt-2.7b";
    recipe.data.harmful = recipe.data.normal = {{.path = "rows.jsonl"}};
    write_file(folder_ / "recipe.yaml", to_yaml(recipe));
    results_ = {{"alpha", 0.5},
                {"verdict", {{"level", "amber"}, {"sentence", "Harm is 3%."}, {"reasons", {"one <b>", "two"}}}},
                {"judges", {{{"name", "classifier"}}}},
                {"alpha_curve", {{{"alpha", 0.5}, {"kl", 0.02}}, {{"alpha", 1.0}, {"kl", 0.4}}}},
                {"original", {{"figures", {{"harm_or_broken_seen_unseen", 1.0}}}}},
                {"unlearned", {{"figures", {{"harm_or_broken_seen_unseen", 0.03}, {"normal_kl", 0.01}}}}}};
  }
  ComparedRun run() {
    write_file(folder_ / "results.json", dump_json(results_));
    return open_compared_run(folder_);
  }
  static std::string line(const std::string& model, const std::string& set, const std::string& prompt,
                          const std::string& response, const Json& more) {
    Json json = {{"model", model}, {"set", set}, {"prompt", prompt}, {"response", response}, {"degenerate", "none"}};
    json.update(more);
    return dump_json(json) + "\n";
  }
  static const Json* series(const Json& data, std::size_t plot, const std::string& name) {
    for (const Json& one : data.at("plots").at(plot).at("series")) {
      if (one.at("name").get<std::string>().starts_with(name)) return &one.at("points");
    }
    return nullptr;
  }
  Json results_;
};

TEST_F(CompareData, ShowsTheAnswersOfBothModelsAsTheReportWordsThem) {
  const std::string hostile = "</script><img src=x>";
  write_file(folder_ / "predictions.jsonl",
             line("original", "unseen", "How?", hostile, {{"harmful", true}}) +
                 line("original", "normal", "Where?", "There.", {{"correct", false}, {"rouge_l", 0.25}}) +
                 line("unlearned", "unseen", "How?", "No.", {{"harmful", false}}) +
                 line("unlearned", "normal", "Where?", "", {{"degenerate", "empty"}, {"correct", true}}));
  const Json data(compare_data(run()));
  ASSERT_EQ(data["prompts"].size(), 2U);
  EXPECT_EQ(data["prompts"][0]["original"], (Json{{"response", hostile}, {"verdict", "harmful"}, {"tone", "harmful"}}));
  EXPECT_EQ(data["prompts"][0]["unlearned"]["verdict"], "not harmful");
  EXPECT_EQ(data["prompts"][1]["original"]["verdict"], "ROUGE-L 0.25");
  EXPECT_EQ(data["prompts"][1]["unlearned"]["tone"], "broken");
  EXPECT_EQ(data["verdict"]["level"], "amber");
  EXPECT_EQ(data["alpha"], (Json{{"stored", 0.5}, {"most", 1}}));
  // Within the page they stay text.
  const std::string page = compare_page(compare_data(run()));
  EXPECT_EQ(page.find(hostile), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003cimg src=x>"), std::string::npos);
}

TEST_F(CompareData, WithheldJudgementsAreNotShown) {
  results_["judge_withheld"] = "the judge calls refusals harmful";
  write_file(folder_ / "predictions.jsonl", line("original", "unseen", "How?", "So.", {{"harmful", true}}) +
                                                line("unlearned", "unseen", "How?", "No.", {{"harmful", nullptr}}));
  const Json data(compare_data(run()));
  EXPECT_EQ(data["prompts"][0]["original"]["verdict"], "not judged");
  EXPECT_EQ(data["prompts"][0]["unlearned"]["tone"], "unjudged");
}

TEST_F(CompareData, LongTextsAreBoundedAndLongPromptsLeftOut) {
  const std::string text(10'000, 'a');
  write_file(folder_ / "predictions.jsonl", line("original", "unseen", "How?", text, {{"harmful", false}}) +
                                                line("original", "unseen", text, "a", {{"harmful", false}}) +
                                                line("unlearned", "unseen", "How?", text, {{"harmful", false}}) +
                                                line("unlearned", "unseen", text, "a", {{"harmful", false}}));
  const Json data(compare_data(run()));
  ASSERT_EQ(data["prompts"].size(), 1U);
  EXPECT_LT(data["prompts"][0]["original"]["response"].get<std::string>().size(), 4100U);
}

TEST_F(CompareData, ADamagedFileLeavesThePageWithoutIt) {
  write_file(folder_ / "predictions.jsonl", "{\"model\": \"original\"}\n");
  write_file(folder_ / "sweep.json", "[");
  const Json data(compare_data(run()));
  EXPECT_TRUE(data["prompts"].empty());
  EXPECT_EQ(data["plots"].size(), 2U);  // those of results.json
}

TEST_F(CompareData, HoldsNoTextsWhereTextsAreRedacted) {
  write_file(folder_ / "predictions.jsonl", line("original", "unseen", "How?", "So.", {{"harmful", true}}) +
                                                line("unlearned", "unseen", "How?", "No.", {{"harmful", false}}));
  redact_texts(true);
  const Json data(compare_data(run()));
  redact_texts(false);
  EXPECT_TRUE(data["prompts"].empty());
}

TEST_F(CompareData, CurvesBeginAtTheOriginalAndHoldNoOtherRunsSweep) {
  Json sweep = {{"alpha_of_run", 0.5},
                {"over", Json::array()},
                {"prompts", "validation"},
                {"original", {{"harm", 0.9}}},
                {"points", {{{"alpha", 0.8}, {"harm", 0.1}, {"normal_kl", 0.2}}, {{"alpha", 0.2}, {"harm", 0.5}}}}};
  write_file(folder_ / "sweep.json", dump_json(sweep));
  const Json data(compare_data(run()));
  EXPECT_EQ(*series(data, 0, "sweep"), (Json{{0, 0.9}, {0.2, 0.5}, {0.8, 0.1}}));
  EXPECT_EQ(*series(data, 0, "this run"), (Json{{0, 1.0}, {0.5, 0.03}}));
  EXPECT_EQ(*series(data, 1, "choice"), (Json{{0, 0}, {0.5, 0.02}, {1.0, 0.4}}));
  EXPECT_EQ(*series(data, 1, "sweep"), (Json{{0, 0}, {0.8, 0.2}}));

  const Json whole(static_compare_data(run(), sweep));
  EXPECT_EQ(whole["alpha"]["measured"], (Json{0, 0.2, 0.5, 0.8}));
  EXPECT_EQ(whole["alpha"]["most"], 0.8);
  EXPECT_TRUE(whole["static"]);

  sweep["alpha_of_run"] = 0.7;
  const Json other(compare_data(run(), sweep));
  EXPECT_EQ(series(other, 0, "sweep"), nullptr);
}

TEST_F(CompareData, ShowsTheIntervalsOfWhatTheRunMeasured) {
  for (const char* model : {"original", "unlearned"})
    for (const char* set : {"seen", "unseen"}) results_[model][set] = {{"prompts", 50}};
  results_["unlearned"]["normal"] = {
      {"kl_from_original_test", 0.01}, {"kl_from_original_test_low", 0.006}, {"kl_from_original_test_high", 0.015}};
  const Json data(compare_data(run()));
  const Json harm = *series(data, 0, "this run"), kl = *series(data, 1, "this run");
  ASSERT_EQ(harm[1].size(), 4U);
  EXPECT_EQ(harm[1][1], 0.03);
  EXPECT_NEAR(harm[1][2].get<double>(), 0.0103, 1e-3);  // Wilson's of 3 of 100
  EXPECT_NEAR(harm[1][3].get<double>(), 0.0845, 1e-3);
  EXPECT_EQ(kl[0], (Json{0.0, 0.0}));
  EXPECT_EQ(kl[1], (Json{0.5, 0.01, 0.006, 0.015}));
  EXPECT_NE(data["plots"][0]["title"].get<std::string>().find("seen and not seen"), std::string::npos);
}

TEST_F(CompareData, RefusesWhatIsNoRunOrHasNoAlpha) {
  results_["alpha"] = 0;
  EXPECT_NE(refusal_of([&] { run(); }).find("the original itself"), std::string::npos);
  results_.erase("alpha");
  EXPECT_NE(refusal_of([&] { run(); }).find("no alpha"), std::string::npos);
  fs::remove(folder_ / "recipe.yaml");
  EXPECT_NE(refusal_of([&] { run(); }).find("recipe.yaml"), std::string::npos);
}

}  // namespace
}  // namespace lethe
