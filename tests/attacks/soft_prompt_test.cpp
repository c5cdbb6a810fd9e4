// A soft prompt made of tokens' embeddings is those tokens; its gradient is the finite difference; training lowers the
// loss and leaves the weights alone.
#include "attacks/soft_prompt.h"

#include "core/error.h"
#include "fixture_models.h"
#include "generation/generate.h"

namespace lethe {
namespace {

class SoftPromptOf : public FixtureModel {
 protected:
  at::Tensor embedding() { return *model_.parameters().front().tensor; }
  std::vector<Example> examples() const { return {{rows_[0], 2}, {rows_[1], 5}}; }
};

TEST_P(SoftPromptOf, TokensActsAsTheTokens) {
  const std::vector<int> tokens{7, 1, 30};
  std::vector<int> plain = tokens;
  plain.insert(plain.end(), rows_[1].begin(), rows_[1].end());
  const auto limit = static_cast<std::size_t>(model_.spec().max_positions);
  if (limit > 0 && plain.size() > limit) plain.resize(limit);
  const at::Tensor wanted = model_.hidden(pack(plain));
  const auto answer = generate(model_, {&plain, 1}, {.max_new_tokens = 5});
  model_.soft_prompt = embedding().index_select(0, at::tensor({7, 1, 30}, at::kLong));
  EXPECT_EQ(model_.input_ids(), model_.spec().vocabulary + 3);
  const std::vector<int> soft = after_soft_prompt(model_, rows_[1]);
  ASSERT_EQ(soft.size(), plain.size());
  EXPECT_TRUE(at::equal(model_.hidden(pack(soft)), wanted));
  EXPECT_EQ(generate(model_, {&soft, 1}, {.max_new_tokens = 5})[0].ids, answer[0].ids);
}

TEST_P(SoftPromptOf, VectorsHasTheGradientOfFiniteDifferences) {
  const at::Tensor start = embedding().slice(0, 3, 5).clone();
  const auto loss_at = [&](const at::Tensor& vectors) {
    model_.soft_prompt = vectors;
    return soft_prompt_loss(model_, after_soft_prompt(model_, examples()));
  };
  const at::Tensor leaf = start.clone().requires_grad_(true);
  loss_at(leaf).backward();
  const at::NoGradGuard no_gradient;
  for (const auto& [row, column] : {std::pair{0, 0}, {0, 5}, {1, 3}}) {
    at::Tensor step = at::zeros_like(start);
    step[row][column] = 1e-5;
    const double difference = (loss_at(start + step) - loss_at(start - step)).item<double>() / 2e-5;
    EXPECT_NEAR(leaf.grad()[row][column].item<double>(), difference, 1e-6 + 1e-4 * std::abs(difference));
  }
}

TEST_P(SoftPromptOf, TrainingLowersTheLossAndNoBitOfTheWeightsChanges) {
  std::vector<at::Tensor> before;
  for (const Parameter& parameter : model_.parameters()) before.push_back(parameter.tensor->clone());
  SoftPromptOptions options{.vectors = 4, .steps = 15, .batch = 2, .lr = 0.3};
  const SoftPrompt trained = train_soft_prompt(model_, examples(), options);
  ASSERT_EQ(trained.losses.size(), 15U);
  EXPECT_LT(trained.losses.back(), trained.losses.front());
  EXPECT_EQ(trained.vectors.sizes(), (std::vector<std::int64_t>{4, model_.spec().embedding_size}));
  EXPECT_FALSE(trained.vectors.requires_grad());
  EXPECT_FALSE(model_.soft_prompt.defined());
  std::size_t i = 0;
  for (const Parameter& parameter : model_.parameters()) {
    EXPECT_TRUE(at::equal(*parameter.tensor, before[i++])) << parameter.name;
    EXPECT_FALSE(parameter.tensor->requires_grad()) << parameter.name;
  }
  const SoftPrompt again = train_soft_prompt(model_, examples(), options);
  EXPECT_TRUE(at::equal(again.vectors, trained.vectors));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, SoftPromptOf, testing::ValuesIn(fixture_models()), fixture_name);

class SoftPromptTest : public testing::Test {
 protected:
  CausalLM model_ = load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "llama_plain"));
};

TEST_F(SoftPromptTest, IsCutAtTheModelsPositions) {
  model_.soft_prompt = at::zeros({3, model_.spec().embedding_size});
  const auto limit = static_cast<std::size_t>(model_.spec().max_positions);
  const std::vector<int> ids(limit, 5);
  const std::vector<int> row = after_soft_prompt(model_, ids);
  EXPECT_EQ(row.size(), limit);
  EXPECT_EQ(row[2], model_.spec().vocabulary + 2);
  EXPECT_EQ(row[3], 5);
  const std::vector<Example> rows{{ids, limit - 3}, {ids, limit - 4}};
  ASSERT_EQ(after_soft_prompt(model_, rows).size(), 1U);  // of the first one nothing is left of the answer
  EXPECT_EQ(after_soft_prompt(model_, rows)[0].response_begin, limit - 1);
}

TEST_F(SoftPromptTest, NeedsARowThatFits) {
  const std::vector<int> ids(static_cast<std::size_t>(model_.spec().max_positions), 5);
  const std::vector<Example> rows{{ids, ids.size() - 1}};
  EXPECT_THROW(train_soft_prompt(model_, rows, {.vectors = 4}), Error);
  EXPECT_FALSE(model_.soft_prompt.defined());
}

TEST_F(SoftPromptTest, IdsAboveItAreRefused) {
  const std::vector<int> row{1, static_cast<int>(model_.spec().vocabulary) + 2};
  EXPECT_THROW(generate(model_, {&row, 1}, {}), Error);
  model_.soft_prompt = at::zeros({2, model_.spec().embedding_size});
  EXPECT_THROW(generate(model_, {&row, 1}, {}), Error);
  model_.soft_prompt = at::zeros({3, model_.spec().embedding_size});
  EXPECT_NO_THROW(generate(model_, {&row, 1}, {.max_new_tokens = 1}));
}

TEST_F(SoftPromptTest, TrainsModelsOf16Bits) {
  CausalLM narrow = load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "gemma2_capped"),
                               {.dtype = at::kBFloat16});
  const std::vector<Example> rows{{{1, 9, 20, 31}, 2}, {{1, 4, 30, 3}, 2}};
  const SoftPrompt trained = train_soft_prompt(narrow, rows, {.vectors = 4, .steps = 30, .batch = 2, .lr = 0.3});
  EXPECT_EQ(trained.vectors.scalar_type(), at::kFloat);
  EXPECT_LT(trained.losses.back(), trained.losses.front());
}

}  // namespace
}  // namespace lethe
