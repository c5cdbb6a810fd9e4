// Hidden states, pooled outputs and logits of classifiers equal transformers' (float64), on the fixtures of
// tools/fixtures/encoders.py.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/encoder_loading.h"
#include "models/sequence_classifier.h"
#include "nn/bfloat16_product.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

fs::path encoder_fixture(const std::string& name) {
  return fs::path(LETHE_FIXTURES) / "encoders" / name;
}

std::vector<std::string> encoder_fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "encoders"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<TypedRow> rows_of(const Json& expected) {
  std::vector<TypedRow> rows;
  for (const Json& row : expected["rows"])
    rows.push_back({row["ids"].get<std::vector<int>>(), row["types"].get<std::vector<int>>()});
  return rows;
}

double distance(const at::Tensor& found, const Json& wanted) {
  const at::Tensor values = at::tensor(wanted.get<std::vector<double>>(), at::kDouble);
  EXPECT_EQ(found.numel(), values.numel());
  return (found.flatten().to(at::kDouble) - values).abs().max().item<double>();
}

class EncoderParity : public testing::TestWithParam<std::string> {};

TEST_P(EncoderParity, OfAPackOfBothRows) {
  const Checkpoint checkpoint(encoder_fixture(GetParam()));
  const Json expected = read_json(encoder_fixture(GetParam()) / "expected.json");
  const std::vector<TypedRow> rows = rows_of(expected);
  if (is_encoder(checkpoint.config())) {
    const Encoder encoder = load_encoder(checkpoint);
    const EncoderBatch batch = pack_rows(rows, at::kCPU);
    const at::Tensor hidden = encoder.hidden(batch);
    EXPECT_EQ(encoder.has_pooler(), !expected["pooled"][0].is_null());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Segment& row = batch.pack.segments[i];
      EXPECT_LT(distance(hidden.slice(0, row.begin, row.end), expected["hidden"][i]), 1e-4);
      if (encoder.has_pooler()) {
        EXPECT_LT(distance(encoder.pooled(hidden, batch)[static_cast<std::int64_t>(i)], expected["pooled"][i]), 1e-4);
      }
    }
  }
  if (expected["logits"][0].is_null()) return;
  const SequenceClassifier classifier = SequenceClassifier::load(checkpoint);
  for (const std::int64_t batch_tokens : {4096, 1}) {  // in one pack, and each row in its own
    const at::Tensor logits = classifier.logits(rows, batch_tokens);
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_LT(distance(logits[static_cast<std::int64_t>(i)], expected["logits"][i]), 1e-4);
  }
}

TEST_P(EncoderParity, HoldsInBfloat16OnACpuThatMultipliesIt) {
  if (!multiplies_bfloat16()) GTEST_SKIP() << "this CPU does not multiply bfloat16";
  const Checkpoint checkpoint(encoder_fixture(GetParam()));
  const Json expected = read_json(encoder_fixture(GetParam()) / "expected.json");
  if (expected["logits"][0].is_null()) GTEST_SKIP() << "no classifier";
  const double bound = is_encoder(checkpoint.config()) ? 1e-4 : 0.05;  // encoders stay in float32
  const std::vector<TypedRow> rows = rows_of(expected);
  const at::Tensor logits = SequenceClassifier::load(checkpoint, {.dtype = at::kBFloat16}).logits(rows, 4096);
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_LT(distance(logits[static_cast<std::int64_t>(i)], expected["logits"][i]), bound);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, EncoderParity, testing::ValuesIn(encoder_fixture_names()),
                         [](const auto& info) { return info.param; });

TEST(Encoder, OfDoublesEqualsTheOracleToNineDigits) {
  const Checkpoint checkpoint(encoder_fixture("bert_bare"));
  const Json expected = read_json(encoder_fixture("bert_bare") / "expected.json");
  const Encoder encoder = load_encoder(checkpoint, {.dtype = at::kDouble});
  const std::vector<TypedRow> rows = rows_of(expected);
  const at::Tensor hidden = encoder.hidden(pack_rows({&rows[1], 1}, at::kCPU));
  EXPECT_LT(distance(hidden, expected["hidden"][1]), 1e-7);
}

TEST(Encoder, RefusesRowsThatAreEmptyOrTooLongAndIdsOfAnotherVocabulary) {
  const Encoder encoder = load_encoder(Checkpoint(encoder_fixture("roberta_bare")));
  EXPECT_EQ(encoder.spec().max_tokens(), 22);  // two of 24 positions are padding's and what is below it
  for (const std::size_t tokens : {std::size_t{0}, std::size_t{23}}) {
    const TypedRow row{std::vector<int>(tokens, 5), {}};
    EXPECT_THROW(encoder.hidden(pack_rows({&row, 1}, at::kCPU)), Error);
  }
  const TypedRow foreign{{5, 40}, {}};
  EXPECT_THROW(encoder.hidden(pack_rows({&foreign, 1}, at::kCPU)), Error);
  const auto decoder = SequenceClassifier::load(Checkpoint(encoder_fixture("llama_many_labels")));
  EXPECT_THROW(decoder.logits({&foreign, 1}), Error);
}

// Loads a fixture whose config.json was changed; the error's text, or "" if it loaded.
std::string error_with(const std::string& fixture, const std::string& key, const Json& value) {
  const fs::path folder = fs::path(testing::TempDir()) / "changed_encoder";
  fs::create_directories(folder);
  fs::copy_file(encoder_fixture(fixture) / "model.safetensors", folder / "model.safetensors",
                fs::copy_options::overwrite_existing);
  Json config = read_json(encoder_fixture(fixture) / "config.json");
  config[key] = value;
  write_file(folder / "config.json", dump_json(config));
  try {
    if (config.contains("id2label")) {
      SequenceClassifier::load(Checkpoint(folder));
    } else {
      load_encoder(Checkpoint(folder));
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  return "";
}

TEST(EncoderConfig, RefusesEveryKeyThatWouldChangeTheArithmetic) {
  const std::vector<std::tuple<std::string, std::string, Json>> changes = {
      {"bert_bare", "position_embedding_type", "relative_key"},
      {"bert_bare", "is_decoder", true},
      {"bert_bare", "add_cross_attention", true},
      {"bert_bare", "hidden_act", "gelu_10"},
      {"bert_bare", "hidden_size", 24},
      {"bert_bare", "num_attention_heads", 5},
      {"bert_bare", "num_hidden_layers", 1},
      {"bert_bare", "num_hidden_layers", 3},
      {"bert_bare", "intermediate_size", 21},
      {"bert_bare", "max_position_embeddings", 32},
      {"bert_bare", "type_vocab_size", 3},
      {"bert_bare", "vocab_size", 41},
      {"bert_bare", "embedding_size", 8},
      {"bert_bare", "is_causal", true},
      {"bert_bare", "layer_norm_eps", -1},
      {"bert_bare", "layer_norm_eps", 1e300},
      {"bert_bare", "auto_map", {{"AutoModel", "modeling_own.OwnModel"}}},
      {"bert_bare", "quantization_config", {{"bits", 8}}},
      {"bert_bare", "pruned_heads", {{"0", {1}}}},
      {"bert_bare", "model_type", "distilbert"},
      {"roberta_bare", "pad_token_id", nullptr},
      {"roberta_bare", "pad_token_id", 23},
      {"rembert_regression", "input_embedding_size", nullptr},
      {"bleurt_projected", "embedding_size", nullptr},
      {"bert_old_names", "id2label", {{"0", "a"}, {"1", "b"}}},
      {"bert_old_names", "id2label", {{"0", "a"}, {"1", "b"}, {"3", "c"}}},
      {"bert_old_names", "problem_type", "ordinal"},
      {"llama_many_labels", "id2label", {{"0", "a"}}},
      {"llama_many_labels", "hidden_size", 8},
  };
  for (const auto& [fixture, key, value] : changes)
    EXPECT_NE(error_with(fixture, key, value), "") << fixture << " with " << key << " " << value;
}

TEST(EncoderConfig, IgnoresKeysThatTransformersDoesNotReadEither) {
  EXPECT_EQ(error_with("bert_bare", "rotary_value", true), "");
  Json config = read_json(encoder_fixture("bert_bare") / "config.json");
  config["rotary_value"] = true;
  EXPECT_EQ(encoder_spec(config, "config.json").ignored_keys, std::vector<std::string>{"rotary_value"});
}

TEST(EncoderConfig, UsesEveryKeyThatItDoesNotRefuse) {
  const auto hidden_with = [](const std::string& key, const Json& value) {
    EXPECT_EQ(error_with("bert_bare", key, value), "") << key;
    const Encoder encoder = load_encoder(Checkpoint(fs::path(testing::TempDir()) / "changed_encoder"));
    const TypedRow row{{5, 6, 7}, {}};
    return encoder.hidden(pack_rows({&row, 1}, at::kCPU));
  };
  const at::Tensor usual = hidden_with("hidden_dropout_prob", 0.5);
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"hidden_act", "relu"}, {"layer_norm_eps", 1e-2}, {"num_attention_heads", 6}})
    EXPECT_GT((hidden_with(key, value) - usual).abs().max().item<double>(), 1e-3) << key;
}

TEST(SequenceClassifier, NamesLabelsAndTurnsLogitsIntoWhatTheyMean) {
  const at::Tensor logits = at::tensor({0.0, 1.0}, at::kDouble).unsqueeze(0);
  const auto many = SequenceClassifier::load(Checkpoint(encoder_fixture("roberta_many_labels")));
  EXPECT_EQ(many.labels(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(many.problem(), Problem::multi_label);
  EXPECT_FALSE(many.uses_types());
  EXPECT_NEAR(many.probabilities(logits)[0][1].item<double>(), 1 / (1 + std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(many.probabilities(logits)[0][0].item<double>(), 0.5, 1e-12);
  const auto one = SequenceClassifier::load(Checkpoint(encoder_fixture("qwen2_tied")));
  EXPECT_EQ(one.problem(), Problem::single_label);
  EXPECT_NEAR(one.probabilities(logits)[0][0].item<double>(), 1 / (1 + std::exp(1.0)), 1e-12);
  const auto score = SequenceClassifier::load(Checkpoint(encoder_fixture("bleurt_projected")));  // without problem_type
  EXPECT_EQ(score.problem(), Problem::regression);
  EXPECT_TRUE(score.uses_types());
  EXPECT_EQ(score.probabilities(logits)[0][1].item<double>(), 1.0);
}

TEST(SequenceClassifier, RefusesAModelWithoutAHead) {
  for (const char* name : {"encoders/bert_bare", "models/llama_grouped_tied"}) {
    try {
      SequenceClassifier::load(Checkpoint(fs::path(LETHE_FIXTURES) / name));
      FAIL() << "loaded " << name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("no such tensor"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace lethe
