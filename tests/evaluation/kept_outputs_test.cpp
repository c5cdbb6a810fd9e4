// Outputs from a store equal those that the model computes, and a result of another shape is computed again.
#include "evaluation/kept_outputs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "models/loading.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

// As the cache on disk: results go through text.
class MemoryStore : public OutputStore {
 public:
  std::optional<Json> find(const Json& request) override {
    const auto found = texts.find(request.dump());
    if (found == texts.end()) return std::nullopt;
    ++hits;
    return Json::parse(found->second);
  }
  void keep(const Json& request, const Json& result, double seconds) override {
    EXPECT_GE(seconds, 0);
    texts[request.dump()] = result.dump();
  }
  std::map<std::string, std::string> texts;
  int hits = 0;
};

class KeptOutputs : public testing::Test {
 protected:
  KeptOutputs()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        model_(load_model(base_)) {
    for (const char* text : {"Where does Mira live?", "Who is Tavi?"}) prompts_.push_back(tokenizer_.encode(text).ids);
    options_.max_new_tokens = 6;
  }
  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  MemoryStore store_;
  std::vector<std::vector<int>> prompts_;
  GenerationOptions options_;
};

TEST_F(KeptOutputs, AnswersAreThoseThatTheModelGives) {
  const auto fresh = generate(model_, prompts_, options_);
  for (int i = 0; i < 2; ++i) {
    const auto kept = kept_answers(&store_, model_, prompts_, options_);
    ASSERT_EQ(kept.size(), fresh.size());
    for (std::size_t row = 0; row < kept.size(); ++row) {
      EXPECT_EQ(kept[row].ids, fresh[row].ids);
      EXPECT_EQ(kept[row].stopped, fresh[row].stopped);
    }
  }
  EXPECT_EQ(store_.hits, 1);
  options_.max_new_tokens = 5;  // another request
  EXPECT_EQ(kept_answers(&store_, model_, prompts_, options_)[0].ids.size(), 5U);
  EXPECT_EQ(store_.texts.size(), 2U);
}

TEST_F(KeptOutputs, DrawnAnswersAreNotKept) {
  options_.sampling.temperature = 1;
  kept_answers(&store_, model_, prompts_, options_);
  EXPECT_TRUE(store_.texts.empty());
}

TEST_F(KeptOutputs, ScoresComeBackToTheBit) {
  const std::vector<Example> examples = {{prompts_[0], 2}, {prompts_[1], 1}};
  ChoiceQuestion question;
  question.context = "Mira lives in";
  question.choices = {"Saltby", "Orrin", "the sea"};
  const std::vector<ChoiceQuestion> questions = {question};
  for (int i = 0; i < 2; ++i) {
    const auto fresh = perplexities(model_, examples), kept = kept_perplexities(&store_, model_, examples);
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept[1].nll, fresh[1].nll);
    EXPECT_EQ(kept[1].tokens, fresh[1].tokens);
    const auto scores = kept_choice_scores(&store_, model_, tokenizer_, questions, {});
    EXPECT_EQ(scores, kept_choice_scores(nullptr, model_, tokenizer_, questions, {}));
    const auto text = kept_text_perplexity(&store_, model_, prompts_, {}), direct = text_perplexity(model_, prompts_);
    EXPECT_EQ(text.text.nll, direct.text.nll);
    EXPECT_EQ(text.documented, direct.documented);
    ASSERT_EQ(text.by_text.size(), direct.by_text.size());
    EXPECT_EQ(text.by_text[1].nll, direct.by_text[1].nll);
  }
  EXPECT_EQ(store_.hits, 3);
}

TEST_F(KeptOutputs, AResultThatDoesNotFitIsComputedAgainAndReplaced) {
  const auto fresh = kept_answers(&store_, model_, prompts_, options_);
  for (const char* wrong : {"[]", "{}", "[{\"ids\": [1]}, {\"ids\": 3}]", "null"}) {
    store_.texts.begin()->second = wrong;
    EXPECT_EQ(kept_answers(&store_, model_, prompts_, options_)[1].ids, fresh[1].ids) << wrong;
    EXPECT_NE(store_.texts.begin()->second, wrong);
  }
}

}  // namespace
}  // namespace lethe
