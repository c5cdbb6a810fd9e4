// The decoder on a GPU against the CPU: hidden states, gradients, and tokens.
#include <gtest/gtest.h>

#include <numeric>

#include "core/error.h"
#include "generation/generate.h"
#include "generation/scoring.h"
#include "gpu/gpu_fixture.h"
#include "gpu/stand_in_device.h"
#include "nn/flash_attention.h"
#include "nn/packed_batch.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

constexpr double kFloatBound = 2e-4, kSixteenBitBound = 0.06;  // of states; four times as much of gradients

std::vector<int> row_of(int length, int start) {
  std::vector<int> row(static_cast<std::size_t>(length));
  std::iota(row.begin(), row.end(), start);
  return row;
}

// Rows of many lengths, some with a shared prompt.
PackedBatch some_rows(at::Device device) {
  PackBuilder pack;
  const int prompt = pack.add(row_of(9, 3));
  for (const int length : {3, 7, 1}) pack.add(row_of(length, 40 + length), prompt);
  pack.add(row_of(14, 60));
  pack.add({5});
  return pack.build(device);
}

struct Outcome {
  at::Tensor hidden;
  std::vector<at::Tensor> gradients;
};

Outcome outcome_of(CausalLM& model) {
  for (const Parameter& parameter : model.parameters()) parameter.tensor->requires_grad_(true);
  const at::Tensor hidden = model.hidden(some_rows(model.device()));
  const std::int64_t tokens = hidden.size(0);
  const at::Tensor targets = (at::arange(tokens, at::kLong) * 7 + 3).remainder(96).to(hidden.device());
  cross_entropy(hidden, model.head(), targets, at::linspace(-1, 1, tokens)).total.backward();
  Outcome outcome{hidden.detach(), {}};
  for (const Parameter& parameter : model.parameters()) outcome.gradients.push_back(parameter.tensor->grad());
  return outcome;
}

class Decoder : public GpuTest, public testing::WithParamInterface<std::string> {};

TEST_P(Decoder, HasTheCpusHiddenStatesAndGradients) {
  CausalLM here = small_model(GetParam());
  const Outcome wanted = outcome_of(here);
  for (const auto& [type, bound] : {std::pair{at::kFloat, kFloatBound}, {at::kBFloat16, kSixteenBitBound}}) {
    CausalLM there = small_model(GetParam());
    move_to(there, device_, type);
    const Outcome found = outcome_of(there);
    EXPECT_LT(difference(found.hidden, wanted.hidden), bound) << type;
    for (std::size_t i = 0; i < wanted.gradients.size(); ++i) {
      if (here.parameters()[i].name.ends_with("k_proj.bias")) continue;  // without influence: pure rounding
      EXPECT_LT(difference(found.gradients[i], wanted.gradients[i]), 4 * bound)
          << type << " " << here.parameters()[i].name;
    }
  }
}

TEST_P(Decoder, AnswersAsTheCpuDoesGreedilyAndWithTheSameDraws) {
  std::vector<std::vector<int>> prompts;
  for (int i = 0; i < 9; ++i) prompts.push_back(row_of(1 + 3 * i, 3 + i));
  const CausalLM here = small_model(GetParam());
  CausalLM there = small_model(GetParam());
  move_to(there, device_, at::kFloat);
  for (const SamplingOptions& sampling :
       {SamplingOptions{}, SamplingOptions{.temperature = 0.9}, SamplingOptions{.temperature = 0.7, .top_p = 0.8},
        SamplingOptions{.temperature = 1.2, .top_p = 0.9, .top_k = 12}}) {
    const GenerationOptions options{.max_new_tokens = 12, .sampling = sampling, .stop_ids = {17}, .batch = 4};
    const auto wanted = generate(here, prompts, options), found = generate(there, prompts, options);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(found[i].ids, wanted[i].ids) << i << ", temperature " << sampling.temperature;
      EXPECT_EQ(found[i].stopped, wanted[i].stopped) << i;
    }
  }
}

TEST_P(Decoder, ScoresAsTheCpuDoes) {
  const std::vector<std::vector<int>> rows{row_of(12, 3), row_of(30, 9), {4, 8}};
  CausalLM there = small_model(GetParam());
  move_to(there, device_, at::kFloat);
  const auto wanted = score_rows(small_model(GetParam()), rows), found = score_rows(there, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(found[i].size(), wanted[i].size());
    for (std::size_t j = 0; j < wanted[i].size(); ++j) EXPECT_NEAR(found[i][j], wanted[i][j], 1e-4);
  }
}

TEST_P(Decoder, RefusesIdsAndRowsThatTheModelDoesNotHaveBeforeTheDeviceSeesThem) {
  CausalLM model = small_model(GetParam());
  move_to(model, device_, at::kFloat);
  const auto refused = [&](const std::vector<int>& row) {
    PackBuilder pack;
    pack.add(row);
    return refusal_of([&] { model.hidden(pack.build(device_)); });
  };
  EXPECT_NE(refused({3, 96}).find("found   96"), std::string::npos);
  EXPECT_NE(refused({3, -1}).find("found   -1"), std::string::npos);
  const bool learned = GetParam() == "opt";  // positions
  EXPECT_EQ(refused(std::vector<int>(65, 3)).find("at most 64 tokens") != std::string::npos, learned);
  EXPECT_EQ(refused({3, 95}), "no error");
}

INSTANTIATE_TEST_SUITE_P(Models, Decoder, testing::ValuesIn(small_models()),
                         [](const auto& item) { return item.param; });

class DecodingStep : public GpuTest {};

TEST_F(DecodingStep, ReadsItsTokensAndWaitsForNothingElse) {
  if (!on_stand_in()) GTEST_SKIP() << "copies are counted on the stand-in alone";
  CausalLM model = small_model("llama");
  move_to(model, device_, at::kFloat);
  const std::vector<std::vector<int>> prompts{row_of(5, 3), row_of(9, 20), row_of(2, 50)};
  GenerationOptions options{.sampling = {.temperature = 0.8, .top_p = 0.9}};
  const auto copies_of = [&](std::int64_t tokens) {
    options.max_new_tokens = tokens;
    reset_stand_in_counts();
    generate(model, prompts, options);
    return stand_in_counts();
  };
  const StandInCounts few = copies_of(4), many = copies_of(14);
  EXPECT_EQ(many.downloads - few.downloads, 10);  // one a step
  EXPECT_EQ(many.waiting_uploads, 0);
  EXPECT_EQ(many.uploads - few.uploads, 10 * 2);  // draws and rotary frequencies
}

TEST_F(DecodingStep, UsesHalfOfTheFreeMemoryForItsCache) {
  if (!on_stand_in()) GTEST_SKIP() << "memory is limited on the stand-in alone";
  CausalLM model = small_model("llama");
  move_to(model, device_, at::kFloat);
  const std::vector<std::vector<int>> prompts(20, row_of(2, 3));
  const auto peak_with = [&](std::uint64_t free) {
    limit_stand_in(stand_in_bytes() + free);
    reset_stand_in_peak();
    const std::uint64_t before = stand_in_bytes();
    generate(model, prompts, {.max_new_tokens = 60, .batch = 20});
    limit_stand_in(std::uint64_t{1} << 40);
    return stand_in_peak() - before;
  };
  // A row takes 2 · 2 layers · 2 heads · 16 · 62 tokens · 4 bytes.
  constexpr std::uint64_t kRow = 2 * 2 * 2 * 16 * 62 * 4;
  EXPECT_GT(peak_with(1 << 30), 20 * kRow);
  const std::uint64_t peak = peak_with(16 * kRow);  // 8 rows at a time
  EXPECT_GE(peak, 8 * kRow);
  EXPECT_LT(peak, 16 * kRow);
}

class FlashAttentionOnGpu : public GpuTest {};

TEST_F(FlashAttentionOnGpu, AgreesWithThePlainFormula) {
  if (on_stand_in()) GTEST_SKIP() << "the stand-in has no flash attention";
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    for (const std::int64_t head : {64, 80, 128, 256}) EXPECT_TRUE(flash_attention_agrees(device_, type, head)) << head;
  }
}

}  // namespace
}  // namespace lethe
