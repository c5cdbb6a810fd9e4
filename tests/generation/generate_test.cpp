// Greedy tokens equal transformers' (tools/fixtures/models.py); a batch changes nothing; limits hold.
#include "generation/generate.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "generation/scoring.h"
#include "models/loading.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "models"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

struct Fixture {
  explicit Fixture(const std::string& name)
      : folder(fs::path(LETHE_FIXTURES) / "models" / name),
        model(load_model(Checkpoint(folder))),
        expected(read_json(folder / "expected.json")) {
    for (const Json& row : expected["rows"]) rows.push_back(row.get<std::vector<int>>());
  }
  fs::path folder;
  CausalLM model;
  Json expected;
  std::vector<std::vector<int>> rows;
};

class Greedy : public testing::TestWithParam<std::string> {};

TEST_P(Greedy, TokensAreTransformersTogetherAndOneAtATime) {
  const Fixture fixture(GetParam());
  for (const std::int64_t batch : {1, 2}) {
    const auto answers = generate(fixture.model, fixture.rows, {.max_new_tokens = 8, .batch = batch});
    for (std::size_t i = 0; i < fixture.rows.size(); ++i) {
      const Json& wanted = fixture.expected["greedy"][i];
      if (wanted.is_null()) continue;  // a cache cannot be compared there (the generator says why)
      EXPECT_EQ(answers[i].ids, wanted.get<std::vector<int>>()) << "row " << i << ", batch " << batch;
    }
  }
}

TEST_P(Greedy, TokensAreReportedAsTheyComeAndMayEndTheRow) {
  const Fixture fixture(GetParam());
  std::vector<std::vector<int>> streamed(fixture.rows.size());
  GenerationOptions options{.max_new_tokens = 8, .batch = 2};
  options.token = [&](std::size_t row, int token) {
    streamed[row].push_back(token);
    return row != 0 || streamed[row].size() < 3;  // the first row is stopped
  };
  const auto answers = generate(fixture.model, fixture.rows, options),
             whole = generate(fixture.model, fixture.rows, {.max_new_tokens = 8, .batch = 2});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].ids, streamed[i]);
    EXPECT_EQ(answers[i].ids.size(), i == 0 ? 3U : whole[i].ids.size());
  }
}

TEST_P(Greedy, ScoresAreTransformersLogProbabilities) {
  const Fixture fixture(GetParam());
  const auto scores = score_rows(fixture.model, fixture.rows);
  for (std::size_t i = 0; i < fixture.rows.size(); ++i) {
    ASSERT_EQ(scores[i].size() + 1, fixture.rows[i].size());
    for (std::size_t j = 0; j < scores[i].size(); ++j)
      EXPECT_NEAR(scores[i][j], fixture.expected["logprobs"][i][j].get<double>(), 2e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Greedy, testing::ValuesIn(fixture_names()),
                         [](const auto& info) { return info.param; });

TEST(Generate, RowsLeaveAndEnterWithoutChangingEachOther) {
  const Fixture fixture("llama_plain");
  std::vector<std::vector<int>> prompts;
  for (int i = 0; i < 7; ++i)
    prompts.push_back(std::vector<int>(fixture.rows[1].begin(), fixture.rows[1].begin() + 2 + 2 * i));
  const auto together = generate(fixture.model, prompts, {.max_new_tokens = 6, .batch = 3});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto alone = generate(fixture.model, {&prompts[i], 1}, {.max_new_tokens = 6});
    EXPECT_EQ(together[i].ids, alone[0].ids) << i;
  }
}

TEST(Generate, StopsBeforeAStopTokenAndAtTheModelsPositions) {
  const Fixture fixture("llama_plain");
  const auto free = generate(fixture.model, {&fixture.rows[0], 1}, {.max_new_tokens = 5});
  const auto stopped =
      generate(fixture.model, {&fixture.rows[0], 1}, {.max_new_tokens = 5, .stop_ids = {free[0].ids[2]}});
  EXPECT_TRUE(stopped[0].stopped);
  EXPECT_LE(stopped[0].ids.size(), 2U);
  const auto long_answer = generate(fixture.model, {&fixture.rows[0], 1}, {.max_new_tokens = 1000});
  EXPECT_EQ(static_cast<std::int64_t>(long_answer[0].ids.size() + fixture.rows[0].size()),
            fixture.model.spec().max_positions);
}

TEST(Generate, DrawsTheSameWithTheSameSeedAndOthersWithAnother) {
  const Fixture fixture("llama_plain");
  const auto draw = [&](std::uint64_t seed) {
    GenerationOptions options{.max_new_tokens = 20, .seed = seed};
    options.sampling.temperature = 1.5;
    return generate(fixture.model, {&fixture.rows[0], 1}, options)[0].ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Generate, RefusesWhatTheModelCannotTake) {
  const Fixture fixture("llama_plain");
  const auto refused = [&](const std::vector<int>& row) {
    EXPECT_THROW(generate(fixture.model, {&row, 1}, {}), Error);
  };
  refused({});
  refused({1, 48});
  refused(std::vector<int>(65, 3));
}

}  // namespace
}  // namespace lethe
