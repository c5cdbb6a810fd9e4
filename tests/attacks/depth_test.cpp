// The logit lens equals a model with fewer layers, in float64 (tools/fixtures/attacks.py). An answer that was learned
// is decodable; one that was not is found by chance.
#include "attacks/depth.h"

#include <gmock/gmock.h>

#include <limits>

#include "fixture_models.h"
#include "made_tokenizer.h"
#include "objectives/cross_entropy_training.h"
#include "training/adamw.h"

namespace lethe {
namespace {

class LogitLens : public FixtureModel {};

TEST_P(LogitLens, ReadsWhatAModelWithFewerLayersPredicts) {
  ExamplePacker packer;
  packer.add({rows_[0], 1});
  const at::Tensor found = lens_log_probabilities(model_, packer.build());
  ASSERT_EQ(found.size(0), static_cast<std::int64_t>(wanted_["lens"].size()));
  for (std::size_t layer = 0; layer < wanted_["lens"].size(); ++layer)
    EXPECT_TRUE(at::allclose(found[static_cast<std::int64_t>(layer)], values(wanted_["lens"][layer]), 1e-6, 1e-6))
        << "layer " << layer;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, LogitLens, testing::ValuesIn(fixture_models()), fixture_name);

TEST(OwnAnswerFirst, IsNotDecidedByAnAnswerThatIsAlwaysLikely) {
  // Answer 2 is likely after every prompt; prompts 0 and 1 favour their own, prompt 2 favours answer 0.
  const at::Tensor scores =
      at::tensor({-3.0, -5.0, -1.0, -4.0, -4.0, -1.0, -2.0, -5.0, -1.5}, at::kDouble).view({3, 3});
  EXPECT_THAT(own_answer_first(scores), testing::ElementsAre(false, true, false));
  EXPECT_THAT(own_answer_first(at::eye(3, at::kDouble) + at::tensor({0.0, 9.0, -9.0}, at::kDouble)),
              testing::Each(true));
}

TEST(OwnAnswerFirst, IsFalseForTiesAndNaN) {
  EXPECT_THAT(own_answer_first(at::zeros({3, 3})), testing::Each(false));
  at::Tensor broken = at::eye(2);
  broken[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(own_answer_first(broken), testing::ElementsAre(false, testing::_));
  EXPECT_THAT(own_answer_first(at::full({2, 2}, std::numeric_limits<double>::quiet_NaN())), testing::Each(false));
}

TEST(DepthShare, CountsLayersAboveChance) {
  Depth depth;
  depth.chance = 0.25;
  depth.layers = {proportion(4, 16), proportion(7, 16), proportion(9, 16), proportion(16, 16)};
  EXPECT_LT(depth.layers[1].low, 0.25);
  EXPECT_DOUBLE_EQ(depth.share(), 0.5);
}

class AnswerDepth : public MadeTokenizerTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Json vocabulary;
    for (int i = 0; i < 48; ++i) vocabulary["t" + std::to_string(i)] = i;
    tokenizer_ = std::make_unique<Tokenizer>(
        with({{"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "t0"}}},
              {"pre_tokenizer", {{"type", "WhitespaceSplit"}}}}));
    examples_ = std::make_unique<ExampleMaker>(*tokenizer_, Template::parse("t1 {prompt} {response}"),
                                               ExampleOptions{.append_eos = false, .max_length = 64});
    for (int i = 0; i < 16; ++i) {  // prompt t10 … t25; the answers are pairs of other words in an order of no system
      const int first = 26 + (i * 7) % 16, second = 26 + (i * 5 + 3) % 16;
      pairs_.push_back({word(10 + i), word(first) + " " + word(second)});
    }
  }
  static std::string word(int i) { return "t" + std::to_string(i); }
  void learn(std::int64_t steps) {
    std::vector<at::Tensor> weights;
    for (const Parameter& parameter : model_.parameters()) weights.push_back(parameter.tensor->requires_grad_(true));
    AdamW optimizer(weights, {});
    CrossEntropyObjective objective(model_, *examples_, [&](std::uint64_t) { return pairs_; });
    for (std::int64_t step = 0; step < steps; ++step) {
      objective.loss(static_cast<std::uint64_t>(step)).loss.backward();
      optimizer.step(1e-2);
    }
  }

  CausalLM model_ = load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "llama_plain"));
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ExampleMaker> examples_;
  std::vector<Pair> pairs_;
};

TEST_F(AnswerDepth, TellsWhatWasLearnedFromWhatWasNot) {
  const Depth before = answer_depth(model_, pairs_, *examples_);
  EXPECT_EQ(before.rows, 16U);
  EXPECT_DOUBLE_EQ(before.chance, 0.25);
  ASSERT_EQ(before.layers.size(), 2U);
  EXPECT_DOUBLE_EQ(before.share(), 0);
  learn(80);
  const Depth after = answer_depth(model_, pairs_, *examples_);
  EXPECT_GT(after.layers[1].rate, 0.9);
  EXPECT_GE(after.share(), 0.5);
}

TEST_F(AnswerDepth, ComparesDifferentPromptsAndAnswersOnly) {
  std::vector<Pair> rows(pairs_.begin(), pairs_.begin() + 5);
  rows.push_back({pairs_[0].prompt, "t40"});    // a prompt again
  rows.push_back({"t44", pairs_[1].response});  // an answer again
  rows.push_back({"", "plain text has no prompt"});
  EXPECT_EQ(answer_depth(model_, rows, *examples_).rows, 4U);
  EXPECT_EQ(answer_depth(model_, pairs_, *examples_, {.rows = 8}).rows, 8U);
  EXPECT_THROW(answer_depth(model_, std::span(rows).first(3), *examples_), Error);
}

TEST_F(AnswerDepth, ReadsOnlyTheFirstTokensOfAnAnswer) {
  std::vector<Pair> longer = pairs_;
  for (Pair& pair : longer) pair.response += " t44 t45";
  const Depth two = answer_depth(model_, pairs_, *examples_),
              cut = answer_depth(model_, longer, *examples_, {.answer_tokens = 2});
  for (std::size_t i = 0; i < two.layers.size(); ++i) EXPECT_EQ(cut.layers[i].hits, two.layers[i].hits);
}

}  // namespace
}  // namespace lethe
