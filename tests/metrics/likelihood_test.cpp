// Perplexity in windows and multiple choice equal transformers in float64 (tools/fixtures/scoring.py).
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "generation/scoring.h"
#include "metrics/multiple_choice.h"
#include "metrics/perplexity.h"
#include "models/loading.h"

namespace lethe {
namespace {

std::filesystem::path metrics_folder() {
  return std::filesystem::path(LETHE_FIXTURES) / "metrics";
}
std::filesystem::path demo_folder() {
  return std::filesystem::path(LETHE_FIXTURES).parent_path().parent_path() / "assets/demo";
}

TEST(TextPerplexity, OfStridedWindowsIsTransformers) {
  const CausalLM model = load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models/llama_plain"));
  const Json fixture = read_json(metrics_folder() / "windows.json");
  const auto rows = fixture["rows"].get<std::vector<std::vector<int>>>();
  for (const Json& wanted : fixture["settings"]) {
    const TextPerplexity found = text_perplexity(model, rows, {wanted["window"], wanted["stride"]});
    const double perplexity = wanted["perplexity"], documented = wanted["documented"];
    EXPECT_EQ(found.text.tokens, wanted["tokens"].get<std::int64_t>()) << wanted.dump();
    EXPECT_NEAR(found.text.value(), perplexity, 1e-5 * perplexity) << wanted.dump();
    EXPECT_NEAR(found.documented, documented, 1e-5 * documented) << wanted.dump();
  }
  const TextPerplexity by_default = text_perplexity(model, rows), named = text_perplexity(model, rows, {64, 32});
  EXPECT_EQ(by_default.text.nll, named.text.nll);
  ASSERT_EQ(named.by_text.size(), rows.size());
  EXPECT_EQ(named.by_text.back().tokens, 0);  // one token predicts nothing
  EXPECT_EQ(named.by_text[1].tokens, 63);
  EXPECT_THROW(text_perplexity(model, rows, {65, 32}), Error);
  EXPECT_THROW(text_perplexity(model, rows, {32, 33}), Error);
}

// Rows with a common beginning are computed together; each is scored as if it were alone.
TEST(Perplexity, OfRowsWithACommonBeginningIsThatOfEachAlone) {
  const CausalLM model = load_model(Checkpoint(demo_folder()));
  std::vector<Example> examples;
  for (std::size_t i = 0; i < 150; ++i) {
    Example example;
    for (int id = 0; id < 12; ++id) example.ids.push_back(3 + id);  // as a system message
    for (std::size_t j = 0; j < 1 + i % 7; ++j) example.ids.push_back(static_cast<int>(20 + (i * 7 + j * 3) % 200));
    example.response_begin = i % 10 == 0 ? 12 : example.ids.size() - 1;
    if (i == 5) example.response_begin = example.ids.size();  // nothing was answered
    if (i == 6) example = {.ids = {7, 8, 9}, .response_begin = 1};
    examples.push_back(example);
  }
  const std::vector<Perplexity> together = perplexities(model, examples);
  ASSERT_EQ(together.size(), examples.size());
  EXPECT_EQ(together[5].tokens, 0);
  EXPECT_EQ(together[6].tokens, 2);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::vector<float> alone = score_rows(model, std::vector<std::vector<int>>{examples[i].ids})[0];
    double nll = 0;
    for (std::size_t j = examples[i].response_begin; j < examples[i].ids.size(); ++j) nll -= alone[j - 1];
    EXPECT_NEAR(together[i].nll, nll, 1e-4) << i;
    EXPECT_EQ(together[i].tokens, static_cast<std::int64_t>(examples[i].ids.size() - examples[i].response_begin));
  }
}

class DemoChoices : public testing::Test {
 protected:
  std::vector<ChoiceQuestion> questions(const std::string& file) const {
    const DataSource source{(metrics_folder() / file).string(), "", "", ""};
    return load_choices({&source, 1}).questions;
  }
  CausalLM model = load_model(Checkpoint(demo_folder()));
  Tokenizer tokenizer = Tokenizer::load(demo_folder());
  Json fixture = read_json(metrics_folder() / "choices.json");
};

TEST_F(DemoChoices, LettersScoreAsWithTransformers) {
  const auto items = questions("choices_mmlu.jsonl");
  const auto scores = choice_scores(model, tokenizer, items);
  ASSERT_EQ(items.size(), fixture["mmlu"].size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].context, fixture["mmlu"][i]["context"].get<std::string>());
    for (std::size_t j = 0; j < 4; ++j)
      EXPECT_NEAR(scores[i][j], fixture["mmlu"][i]["scores"][j].get<double>(), 1e-5 * std::abs(scores[i][j]));
  }
  const ChoiceResult result = choice_result(items, scores);
  EXPECT_DOUBLE_EQ(result.right.rate, fixture["mmlu_accuracy"].get<double>());
  EXPECT_DOUBLE_EQ(result.chance, 0.25);
}

// The prompt is longer than the model's positions: its beginning is cut, as in the harness.
TEST_F(DemoChoices, TruthfulQaScoresAsWithTransformersFromJsonAndFromTheCsv) {
  for (const char* file : {"choices_truthful.jsonl", "choices_truthful.csv"}) {
    const auto items = questions(file);
    const auto scores = choice_scores(model, tokenizer, items);
    ASSERT_EQ(items.size(), fixture["truthful"].size()) << file;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Json& wanted = fixture["truthful"][i];
      EXPECT_EQ(items[i].context, wanted["context"].get<std::string>());
      auto one = wanted["one"].get<std::vector<double>>(), several = wanted["several"].get<std::vector<double>>();
      std::vector<double> found_one, found_several;
      for (const std::size_t choice : items[i].single) found_one.push_back(scores[i][choice]);
      for (const auto* list : {&items[i].right, &items[i].wrong}) {
        for (const std::size_t choice : *list) found_several.push_back(scores[i][choice]);
      }
      for (auto* list : {&one, &several, &found_one, &found_several}) std::sort(list->begin(), list->end());
      ASSERT_EQ(found_one.size(), one.size());
      ASSERT_EQ(found_several.size(), several.size());
      for (std::size_t j = 0; j < one.size(); ++j) EXPECT_NEAR(found_one[j], one[j], 1e-5 * std::abs(one[j]));
      for (std::size_t j = 0; j < several.size(); ++j)
        EXPECT_NEAR(found_several[j], several[j], 1e-5 * std::abs(several[j]));
    }
    const ChoiceResult result = choice_result(items, scores);
    EXPECT_DOUBLE_EQ(result.right.rate, fixture["mc1"].get<double>()) << file;
    EXPECT_NEAR(result.true_mass.value, fixture["mc2"].get<double>(), 1e-5) << file;
  }
}

}  // namespace
}  // namespace lethe
