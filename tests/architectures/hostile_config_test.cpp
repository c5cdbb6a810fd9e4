// Numbers of a config.json that no model has.
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

}  // namespace
}  // namespace lethe
