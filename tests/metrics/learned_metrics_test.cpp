// BLEURT's scores and sentence vectors from texts equal transformers' (float64), on the fixtures of
// tools/fixtures/text_models.py.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "metrics/bleurt.h"
#include "metrics/sentence_encoder.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

fs::path learned_fixture(const std::string& name) {
  return fs::path(LETHE_FIXTURES) / "text_models" / name;
}

// A copy whose files can be changed.
fs::path copy_of(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("changed_" + name);
  fs::remove_all(folder);
  fs::copy(learned_fixture(name), folder, fs::copy_options::recursive);
  return folder;
}

std::string failure(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  return "";
}

class BleurtParity : public testing::TestWithParam<const char*> {};

TEST_P(BleurtParity, FromTextsAlsoCutOnes) {
  const Json expected = read_json(learned_fixture(GetParam()) / "expected.json");
  std::vector<Comparable> pairs;
  for (const Json& pair : expected["pairs"]) pairs.push_back({pair[0].get<std::string>(), pair[1].get<std::string>()});
  std::size_t done = 0;
  const std::vector<double> scores =
      Bleurt::load(learned_fixture(GetParam())).scores(pairs, [&](std::size_t count) { done = count; });
  ASSERT_EQ(scores.size(), pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i)
    EXPECT_NEAR(scores[i], expected["scores"][i].get<double>(), 1e-4) << excerpt(pairs[i].reference);
  EXPECT_EQ(done, pairs.size());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, BleurtParity, testing::Values("bleurt", "bleurt_pieces"));

TEST(BleurtScores, TakeTheBestReference) {
  const Bleurt bleurt = Bleurt::load(learned_fixture("bleurt"));
  const std::vector<std::string> candidates = {"the bird walked", "wine"};
  const std::vector<std::vector<std::string>> references = {{"a cat sleeps", "The bird sings by the window."},
                                                            {"wine!"}};
  const std::vector<double> best = bleurt.best_scores(candidates, references);
  const std::vector<double> each = bleurt.scores(std::vector<Comparable>{
      {references[0][0], candidates[0]}, {references[0][1], candidates[0]}, {references[1][0], candidates[1]}});
  EXPECT_NEAR(best[0], std::max(each[0], each[1]), 1e-6);
  EXPECT_NEAR(best[1], each[2], 1e-6);
}

TEST(BleurtScores, WantOneScoreAndATokenizer) {
  const fs::path folder = copy_of("bleurt");
  Json config = read_json(folder / "config.json");
  config["problem_type"] = "multi_label_classification";
  write_file(folder / "config.json", dump_json(config));
  EXPECT_NE(failure([&] { Bleurt::load(folder); }).find("regression head"), std::string::npos);
  EXPECT_NE(failure([&] { Bleurt::load(fs::path(LETHE_FIXTURES) / "encoders/bleurt_projected"); }).find("tokenizer"),
            std::string::npos);
}

class SentenceVectors : public testing::TestWithParam<const char*> {};

void expect_vectors(const fs::path& folder) {
  const Json expected = read_json(folder / "expected.json");
  const auto texts = expected["texts"].get<std::vector<std::string>>();
  const at::Tensor vectors = SentenceEncoder::load(folder).embed(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const at::Tensor wanted = at::tensor(expected["vectors"][i].get<std::vector<double>>(), at::kDouble);
    const at::Tensor found = vectors[static_cast<std::int64_t>(i)].to(at::kDouble);
    ASSERT_EQ(found.numel(), wanted.numel());
    EXPECT_LT((found - wanted).abs().max().item<double>(), 1e-4) << excerpt(texts[i]);
  }
}

TEST_P(SentenceVectors, EqualTransformersFromTexts) {
  expect_vectors(learned_fixture(GetParam()));
}

TEST(MiniLm, EqualsTransformersFromTexts) {
  const char* folder = std::getenv("LETHE_MINILM");
  if (folder == nullptr) GTEST_SKIP() << "LETHE_MINILM names no folder of tools/fixtures/minilm.py";
  expect_vectors(folder);
}

INSTANTIATE_TEST_SUITE_P(Pooling, SentenceVectors, testing::Values("sentence_mean", "sentence_cls"));

TEST(SentenceSimilarity, IsTheBestCosine) {
  const SentenceEncoder encoder = SentenceEncoder::load(learned_fixture("sentence_cls"));
  const std::vector<std::string> candidates = {"the bird walked", "wine"};
  const std::vector<std::vector<std::string>> references = {{"a cat sleeps", "the bird walked"}, {"nightbloom"}};
  const std::vector<double> cosines = encoder.best_cosines(candidates, references);
  EXPECT_NEAR(cosines[0], 1.0, 1e-6);
  const at::Tensor pair = encoder.embed(std::vector<std::string>{"wine", "nightbloom"}).to(at::kDouble);
  EXPECT_NEAR(cosines[1], (pair[0].dot(pair[1]) / (pair[0].norm() * pair[1].norm())).item<double>(), 1e-6);
}

TEST(SentenceEncoderFolder, PoolsAsItsSettingsSay) {
  const std::vector<std::string> texts = {"the bird sings", "wine"};
  const auto pooled_by = [&](const Json& pooling) {
    const fs::path folder = copy_of("sentence_cls");
    write_file(folder / "1_Pooling/config.json", dump_json(pooling));
    return SentenceEncoder::load(folder).embed(texts);
  };
  const at::Tensor first = pooled_by({{"pooling_mode_cls_token", true}}), mean = pooled_by({{"pooling_mode", "mean"}});
  const at::Tensor both = pooled_by({{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", true}});
  EXPECT_TRUE(both.equal(at::cat({first, mean}, 1)));
  // Prompt "Ask: " and specials: [CLS] ask [UNK] the bird sings [SEP], and [CLS] ask [UNK] wine [SEP].
  const at::Tensor root = pooled_by({{"pooling_mode", "mean_sqrt_len_tokens"}});
  EXPECT_TRUE(at::allclose(root[0], mean[0] * std::sqrt(7.0), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(root[1], mean[1] * std::sqrt(5.0), 1e-5, 1e-6));
  EXPECT_TRUE(pooled_by({{"pooling_mode", "max"}}).ge(first).all().item<bool>());
}

TEST(SentenceEncoderFolder, RefusesWhatItDoesNotUnderstand) {
  const auto refused = [&](const char* file, const Json& content) {
    const fs::path folder = copy_of("sentence_mean");
    write_file(folder / file, dump_json(content));
    return failure([&] { SentenceEncoder::load(folder); });
  };
  const Json transformer = {{"path", ""}, {"type", "sentence_transformers.models.Transformer"}};
  const Json dense = {{"path", "2_Dense"}, {"type", "sentence_transformers.models.Dense"}};
  const Json pooling = {{"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}};
  EXPECT_NE(refused("modules.json", {transformer, pooling, dense}).find("Dense"), std::string::npos);
  EXPECT_NE(refused("modules.json", Json::array({transformer})), "");
  EXPECT_NE(refused("modules.json", Json::array()), "");
  EXPECT_NE(refused("modules.json", {{"type", 3}}), "");
  EXPECT_NE(refused("1_Pooling/config.json", {{"pooling_mode_weightedmean_tokens", true}}), "");
  EXPECT_NE(refused("1_Pooling/config.json", {{"pooling_mode", "lasttoken"}}), "");
  EXPECT_NE(refused("1_Pooling/config.json", {{"pooling_mode_cls_token", false}}), "");
  EXPECT_NE(refused("sentence_bert_config.json", {{"max_seq_length", 12}, {"do_lower_case", true}}), "");
  EXPECT_NE(refused("config_sentence_transformers.json", {{"default_prompt_name", "query"}}), "");
}

}  // namespace
}  // namespace lethe
