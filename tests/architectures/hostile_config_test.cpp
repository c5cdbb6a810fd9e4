// Impossible numbers in a config.json.
#include <gtest/gtest.h>

#include "architectures/decoder_spec.h"
#include "core/error.h"

namespace lethe {
namespace {

Json plain_config() {
  return {{"model_type", "llama"},   {"vocab_size", 100},        {"hidden_size", 8},    {"num_hidden_layers", 2},
          {"intermediate_size", 16}, {"num_attention_heads", 2}, {"rms_norm_eps", 1e-6}};
}

std::string message_of(const std::string& key, const Json& value) {
  Json config = plain_config();
  config[key] = value;
  try {
    decoder_spec(config, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  return "";
}

TEST(HostileConfig, NumbersOutOfRangeAreRefusedByTheirKey) {
  ASSERT_EQ(message_of("num_hidden_layers", 3), "");
  ASSERT_EQ(message_of("eos_token_id", {2, 3}), "");
  ASSERT_EQ(message_of("eos_token_id", -1), "");
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                          "max_position_embeddings", "head_dim"}) {
    for (const Json& value : {Json(0), Json(-1), Json(kHuge), Json(kHuge / 2 + 1), Json(std::uint64_t{1} << 40),
                              Json(2.5), Json("2"), Json::array({1})}) {
      EXPECT_NE(message_of(key, value).find(key), std::string::npos) << key << " " << value;
    }
  }
  // 2^64 − 1 is not −1, "none".
  for (const Json& value : {Json(kHuge), Json(kHuge / 2 + 1), Json(-2), Json::array({kHuge}), Json(1.5)})
    EXPECT_NE(message_of("eos_token_id", value).find("eos_token_id"), std::string::npos) << value;
}

TEST(HostileConfig, MoreLayersThanAnyModelHasAreRefusedBeforeEachIsDescribed) {
  EXPECT_NE(message_of("num_hidden_layers", 1'000'000'000).find("layers"), std::string::npos);
  Json config = plain_config();
  config["model_type"] = "qwen2";
  config["num_hidden_layers"] = 1'000'000'000;
  EXPECT_THROW(decoder_spec(config, "config.json"), Error);
}

std::string message_with(Json config, const Json& changes) {
  config.update(changes);
  try {
    decoder_spec(config, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  return "";
}

TEST(HostileConfig, ValuesThatNoArithmeticSurvivesAreRefusedByTheirKey) {
  for (const auto& [type, key] : std::vector<std::pair<std::string, std::string>>{{"llama", "rms_norm_eps"},
                                                                                  {"gemma", "rms_norm_eps"},
                                                                                  {"gpt_neox", "layer_norm_eps"},
                                                                                  {"phi", "layer_norm_eps"},
                                                                                  {"stablelm", "layer_norm_eps"}}) {
    Json config = plain_config();
    config.erase("rms_norm_eps");
    config["model_type"] = type;
    config["head_dim"] = 4;
    config["num_key_value_heads"] = 2;  // Gemma's and StableLM's own defaults do not fit two heads
    config["rotary_pct"] = config["partial_rotary_factor"] = type == "stablelm" || type == "phi" ? 0.5 : 1.0;
    for (const Json& value : {Json(-1), Json(-1e-6), Json(1e300), Json(2), Json("1e-5"), Json(true)})
      EXPECT_NE(message_with(config, {{key, value}}).find(key), std::string::npos)
          << type << " " << key << " " << value;
    EXPECT_EQ(message_with(config, {{key, 0.3}}), "") << type;
  }
  for (const Json& value : {Json(0), Json(-1.0), Json(1e300), Json("10000"), Json::array({1})})
    EXPECT_NE(message_of("rope_theta", value).find("rope_theta"), std::string::npos) << value;
  EXPECT_NE(message_of("initializer_range", -1).find("initializer_range"), std::string::npos);
  const Json granite = {{"model_type", "granite"}};
  EXPECT_EQ(message_with(plain_config(), granite), "");
  for (const char* key : {"embedding_multiplier", "attention_multiplier", "residual_multiplier", "logits_scaling"}) {
    Json changes = granite;
    changes[key] = 1e300;
    EXPECT_NE(message_with(plain_config(), changes).find(key), std::string::npos) << key;
  }
}

TEST(HostileConfig, RotaryNumbersOutOfRangeAreRefused) {
  const auto with = [](const Json& scaling) { return message_of("rope_scaling", scaling); };
  const Json linear = {{"type", "linear"}, {"factor", 2.0}};
  ASSERT_EQ(with(linear), "");
  for (const Json& factor : {Json(0), Json(-2), Json(1e300), Json("2")})
    EXPECT_NE(with({{"type", "linear"}, {"factor", factor}}).find("factor"), std::string::npos) << factor;
  for (const Json& positions : {Json(1e300), Json(0), Json(0.5), Json(-4), Json(std::uint64_t{1} << 40)}) {
    const Json llama3 = {{"rope_type", "llama3"},
                         {"factor", 8.0},
                         {"low_freq_factor", 1.0},
                         {"high_freq_factor", 4.0},
                         {"original_max_position_embeddings", positions}};
    EXPECT_NE(with(llama3), "") << positions;
  }
  // Divisions by zero in transformers.
  EXPECT_NE(message_with(plain_config(), {{"rope_theta", 1}, {"rope_scaling", {{"type", "yarn"}, {"factor", 2.0}}}}),
            "");
  EXPECT_NE(message_with(plain_config(), {{"head_dim", 2}, {"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}}),
            "");
}

TEST(HostileConfig, HeadsAndExpertsAreBoundedBeforeEachIsDescribed) {
  EXPECT_NE(
      message_with(plain_config(), {{"num_attention_heads", 1 << 29}, {"head_dim", 2}}).find("num_attention_heads"),
      std::string::npos);
  EXPECT_NE(
      message_with(plain_config(), {{"num_hidden_layers", 10000}, {"num_attention_heads", 4096}, {"head_dim", 2}}), "");
  for (const char* type : {"mixtral", "qwen3_moe"}) {
    const Json few = {{"model_type", type}, {"num_key_value_heads", 2}, {"num_local_experts", 4}};
    Json config = plain_config();
    config.update(few);
    EXPECT_EQ(message_with(config, {{"num_experts_per_tok", 4}}), "");
    EXPECT_NE(message_with(config, {{"num_experts_per_tok", 5}}).find("num_experts_per_tok"), std::string::npos);
    EXPECT_NE(message_with(config, {{"num_experts_per_tok", 0}}).find("num_experts_per_tok"), std::string::npos);
    for (const int experts : {0, -1, 1'000'000, 1 << 30})
      EXPECT_NE(message_with(config, {{"num_local_experts", experts}}).find("num_local_experts"), std::string::npos);
    EXPECT_NE(message_with(config, {{"num_local_experts", 10'000}, {"num_hidden_layers", 10'000}}), "");
  }
}

}  // namespace
}  // namespace lethe
