// Rows that come and go change nothing in each other; log-probabilities are those of scoring; the cache adapts.
#include "generation/running_batch.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/json.h"
#include "generation/generate.h"
#include "generation/scoring.h"
#include "models/loading.h"
#include "tensors/tensor_memory.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> batch_fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "models"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

struct BatchFixture {
  explicit BatchFixture(const std::string& name)
      : folder(fs::path(LETHE_FIXTURES) / "models" / name), model(load_model(Checkpoint(folder))) {
    const Json expected = read_json(folder / "expected.json");
    for (const Json& row : expected["rows"]) rows.push_back(row.get<std::vector<int>>());
  }
  fs::path folder;
  CausalLM model;
  std::vector<std::vector<int>> rows;
};

/// A row whose tokens are collected.
struct Collected {
  std::vector<int> ids;
  std::vector<float> logprobs, prompt_logprobs;
  std::vector<std::vector<std::pair<int, float>>> top;
  bool ended = false, stopped = false;

  BatchRow row(const std::vector<int>& prompt, std::int64_t tokens) {
    BatchRow row;
    row.prompt = prompt;
    row.max_new_tokens = tokens;
    row.prompt_read = [this](std::vector<TokenChances> chances) {
      for (const TokenChances& one : chances) prompt_logprobs.push_back(one.logprob);
    };
    row.token = [this](const ChosenToken& token) {
      if (!token.stops) ids.push_back(token.id);
      if (token.chances != nullptr) {
        logprobs.push_back(token.chances->logprob);
        top.push_back(token.chances->top);
      }
      return true;
    };
    row.ended = [this](bool by_stop) {
      ended = true;
      stopped = by_stop;
    };
    return row;
  }
};

void run_to_end(RunningBatch& batch) {
  while (batch.rows() > 0) {
    batch.prefill();
    batch.decode();
  }
}

class RunningRows : public testing::TestWithParam<std::string> {};

TEST_P(RunningRows, AnswerAsAloneWhereverTheyEnterARunningBatch) {
  const c10::InferenceMode inference;
  const BatchFixture fixture(GetParam());
  // Rows of other lengths and limits, so that each of them sees others come and go.
  std::vector<std::vector<int>> prompts;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::vector<int>& row = fixture.rows[i % fixture.rows.size()];
    prompts.emplace_back(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(std::min(row.size(), 2 + i)));
  }
  std::vector<Collected> found(prompts.size());
  RunningBatch batch(fixture.model, {.batch = 3});
  std::size_t next = 0;
  for (int step = 0; next < prompts.size() || batch.rows() > 0; ++step) {
    if (next < prompts.size() && step % 2 == 0 &&
        batch.add(found[next].row(prompts[next], 3 + 2 * static_cast<std::int64_t>(next % 3))))
      ++next;
    batch.prefill();
    batch.decode();
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto alone =
        generate(fixture.model, {&prompts[i], 1}, {.max_new_tokens = 3 + 2 * static_cast<std::int64_t>(i % 3)});
    EXPECT_EQ(found[i].ids, alone[0].ids) << i;
    EXPECT_TRUE(found[i].ended);
  }
}

// What prompts have in common is computed once.
TEST_P(RunningRows, AnswerAsAloneAfterACommonBeginning) {
  const c10::InferenceMode inference;
  const BatchFixture fixture(GetParam());
  const std::vector<int>& row = *std::max_element(fixture.rows.begin(), fixture.rows.end(),
                                                  [](const auto& a, const auto& b) { return a.size() < b.size(); });
  std::vector<int> beginning;
  for (std::size_t i = 0; i < 11; ++i) beginning.push_back(row[i % row.size()]);
  std::vector<std::vector<int>> prompts;
  for (std::size_t i = 0; i < 5; ++i) {
    prompts.push_back(beginning);
    for (std::size_t j = 0; j <= i; ++j) prompts.back().push_back(row[(3 * i + j) % row.size()]);
  }
  prompts.push_back(prompts[2]);  // twice the same
  std::vector<Collected> found(prompts.size());
  RunningBatch batch(fixture.model, {.batch = 8});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    BatchRow one = found[i].row(prompts[i], 4);
    one.chances = 0;
    ASSERT_TRUE(batch.add(one));
  }
  run_to_end(batch);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Collected alone;
    RunningBatch own(fixture.model, {.batch = 1});
    BatchRow one = alone.row(prompts[i], 4);
    one.chances = 0;
    own.add(one);
    run_to_end(own);
    EXPECT_EQ(found[i].ids, alone.ids) << i;
    ASSERT_EQ(found[i].logprobs.size(), alone.logprobs.size());
    for (std::size_t j = 0; j < alone.logprobs.size(); ++j)
      EXPECT_NEAR(found[i].logprobs[j], alone.logprobs[j], 1e-4) << i << " " << j;
  }
}

TEST_P(RunningRows, ReportLogProbabilitiesAsScoringDoes) {
  const c10::InferenceMode inference;
  const BatchFixture fixture(GetParam());
  const auto scores = score_rows(fixture.model, fixture.rows);
  for (const std::int64_t tokens : {0, 1, 4}) {
    std::vector<Collected> found(fixture.rows.size());
    RunningBatch batch(fixture.model, {});
    for (std::size_t i = 0; i < found.size(); ++i) {
      BatchRow row = found[i].row(fixture.rows[i], tokens);
      row.chances = 2;
      row.prompt_chances = true;
      ASSERT_TRUE(batch.add(row));
    }
    run_to_end(batch);
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].prompt_logprobs.size(), scores[i].size());
      for (std::size_t j = 0; j < scores[i].size(); ++j)
        EXPECT_NEAR(found[i].prompt_logprobs[j], scores[i][j], 2e-4) << i << " " << j;
      EXPECT_EQ(found[i].logprobs.size(), found[i].ids.size());
      if (found[i].ids.empty()) continue;
      std::vector<int> whole = fixture.rows[i];
      whole.insert(whole.end(), found[i].ids.begin(), found[i].ids.end());
      const auto rescored = score_rows(fixture.model, {&whole, 1})[0];
      for (std::size_t j = 0; j < found[i].ids.size(); ++j) {
        if (!fixture.model.spec().length_limit()) {
          EXPECT_NEAR(found[i].logprobs[j], rescored[fixture.rows[i].size() - 1 + j], 2e-4) << i << " " << j;
        }
        ASSERT_EQ(found[i].top[j].size(), 2U);
        EXPECT_EQ(found[i].top[j][0].second, found[i].logprobs[j]) << "greedy: the likeliest token is the one chosen";
        EXPECT_GE(found[i].top[j][0].second, found[i].top[j][1].second);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, RunningRows, testing::ValuesIn(batch_fixture_names()),
                         [](const auto& info) { return info.param; });

/// A small LLaMA with so many positions.
CausalLM long_model(std::int64_t positions) {
  return random_model(Json{{"model_type", "llama"},
                           {"architectures", {"LlamaForCausalLM"}},
                           {"vocab_size", 50},
                           {"hidden_size", 32},
                           {"intermediate_size", 48},
                           {"num_hidden_layers", 2},
                           {"num_attention_heads", 4},
                           {"num_key_value_heads", 2},
                           {"max_position_embeddings", positions},
                           {"rms_norm_eps", 1e-5},
                           {"hidden_act", "silu"},
                           {"initializer_range", 0.2}},
                      "test", 3);
}

TEST(RunningBatch, MakesItsCacheAnewForLongerRowsAndKeepsThoseThatRun) {
  const c10::InferenceMode inference;
  const CausalLM model = long_model(1024);
  const std::vector<int> first{4, 9, 2}, second(300, 7);
  // Room for four rows of 128 tokens, and two of 512 beside none.
  const std::int64_t token_bytes = 2 * 2 * 2 * 8 * 4;
  RunningBatch batch(model, {.batch = 8, .cache_bytes = 1024 * token_bytes});
  std::vector<Collected> found(9);
  ASSERT_TRUE(batch.add(found[0].row(first, 40)));
  for (int i = 0; i < 5; ++i) {
    batch.prefill();
    batch.decode();
  }
  ASSERT_TRUE(batch.add(found[1].row(second, 40)));                                   // two of 512
  EXPECT_FALSE(batch.add(found[2].row(second, 40))) << "a third of 512 has no room";  // waits
  EXPECT_FALSE(batch.add(found[2].row(first, 40))) << "nor has a short one beside the long one";
  run_to_end(batch);
  for (int i = 2; i < 9; ++i) ASSERT_TRUE(batch.add(found[static_cast<std::size_t>(i)].row(first, 40))) << i;
  run_to_end(batch);
  const auto wanted = generate(model, std::vector<std::vector<int>>{first, second}, {.max_new_tokens = 40});
  EXPECT_EQ(found[0].ids, wanted[0].ids);
  EXPECT_EQ(found[1].ids, wanted[1].ids);
  for (std::size_t i = 2; i < 9; ++i) EXPECT_EQ(found[i].ids, wanted[0].ids) << i;
}

// Capacities are powers of two, but not beyond the bytes that the cache may have.
TEST(RunningBatch, MakesNoCacheLargerThanItsBytes) {
  const c10::InferenceMode inference;
  use_tensor_memory();
  const CausalLM model = long_model(16384);
  const std::int64_t token_bytes = 2 * 2 * 2 * 8 * 4;
  const std::vector<int> prompt(5000, 7);
  RunningBatch batch(model, {.batch = 8, .cache_bytes = 6000 * token_bytes});
  Collected found;
  const std::size_t before = tensor_memory().live;
  ASSERT_TRUE(batch.add(found.row(prompt, 400)));
  const std::size_t cache = tensor_memory().live - before;
  EXPECT_GE(cache, static_cast<std::size_t>(5400 * token_bytes));
  EXPECT_LE(cache, static_cast<std::size_t>(6000 * token_bytes + (256 << 10)));
}

TEST(RunningBatch, SamplesEachRowByItsOwnSettingsAndStream) {
  const c10::InferenceMode inference;
  const BatchFixture fixture("llama_plain");
  const std::vector<int>& prompt = fixture.rows[0];
  const auto drawn = [&](double temperature, std::uint64_t seed) {
    GenerationOptions options{.max_new_tokens = 12, .sampling = {.temperature = temperature}, .seed = seed};
    return generate(fixture.model, {&prompt, 1}, options)[0].ids;
  };
  std::vector<Collected> found(4);
  RunningBatch batch(fixture.model, {});
  for (std::size_t i = 0; i < found.size(); ++i) {
    BatchRow row = found[i].row(prompt, 12);
    row.sampling.temperature = static_cast<double>(i % 3) * 0.7;
    row.stream = RandomStream(10 + i, "generate", 0);
    ASSERT_TRUE(batch.add(row));
  }
  run_to_end(batch);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found[i].ids, drawn(static_cast<double>(i % 3) * 0.7, 10 + i)) << i;
}

TEST(RunningBatch, EndsARowThatNobodyWantsAnyMore) {
  const c10::InferenceMode inference;
  const BatchFixture fixture("llama_plain");
  Collected one, other;
  RunningBatch batch(fixture.model, {});
  BatchRow row = one.row(fixture.rows[0], 30);
  row.token = [&](const ChosenToken& token) {
    one.ids.push_back(token.id);
    return one.ids.size() < 3;
  };
  ASSERT_TRUE(batch.add(row));
  ASSERT_TRUE(batch.add(other.row(fixture.rows[0], 10)));
  run_to_end(batch);
  EXPECT_EQ(one.ids.size(), 3U);
  EXPECT_TRUE(one.ended);
  EXPECT_FALSE(one.stopped);
  EXPECT_EQ(other.ids.size(), 10U);
}

}  // namespace
}  // namespace lethe
