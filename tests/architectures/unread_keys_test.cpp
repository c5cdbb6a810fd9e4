// Keys of a config.json that no family reads.
#include <gtest/gtest.h>

#include <algorithm>

#include "architectures/config_reader.h"
#include "architectures/decoder_spec.h"
#include "core/error.h"

namespace lethe {
namespace {

Json config_of(const std::string& type) {
  if (type == "gpt2") return {{"model_type", type}, {"vocab_size", 100}, {"n_embd", 8}, {"n_layer", 2}, {"n_head", 2}};
  Json config = {{"model_type", type},      {"vocab_size", 100},       {"hidden_size", 8},
                 {"num_hidden_layers", 2},  {"intermediate_size", 16}, {"num_attention_heads", 2},
                 {"num_key_value_heads", 2}};
  if (type == "gpt_neox") config["rotary_pct"] = 0.5;  // its default, a quarter, is a single dimension of four
  return config;
}

DecoderSpec spec_with(const std::string& type, const Json& changes) {
  Json config = config_of(type);
  config.update(changes);
  return decoder_spec(config, "config.json");
}

std::string refusal_with(const std::string& type, const Json& changes) {
  try {
    spec_with(type, changes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  return "";
}

using Names = std::vector<std::string>;

TEST(UnreadKeys, AreIgnoredAndNamedWhereTheFamilyOfTransformersDoesNotReadThem) {
  EXPECT_EQ(spec_with("llama", {{"max_sequence_length", 2048}, {"alibi", true}, {"zoo", {{"a", 1}}}}).ignored_keys,
            (Names{"alibi", "max_sequence_length", "zoo"}));
  EXPECT_EQ(spec_with("mistral", {{"attention_bias", true}, {"rope_interleaved", true}}).ignored_keys,
            (Names{"attention_bias", "rope_interleaved"}));
  EXPECT_EQ(
      spec_with("llama", {{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}, {"finetuned", true}}}}).ignored_keys,
      (Names{"rope_scaling.finetuned"}));
  EXPECT_EQ(spec_with("gpt2", {{"n_special", 0}, {"n_ctx", 5}}).ignored_keys, (Names{"n_special"}));
}

TEST(UnreadKeys, OfBookkeepingAndThoseSetToNothingAreNotEvenNamed) {
  const Json changes = {{"unk_token_id", 0},
                        {"_model_name_or_path", "x"},
                        {"unsloth_version", "2024.9"},
                        {"unsloth_fixed", true},
                        {"_commit_hash", "abc"},
                        {"use_cache", false},
                        {"pretraining_tp", 1},
                        {"torch_dtype", "bfloat16"},
                        {"dtype", "float32"},
                        {"quantization_config", nullptr},
                        {"transformers.js_config", {{"dtype", "q4"}}},
                        {"stop_strings", {"x"}},
                        {"cache_implementation", "hybrid"},
                        {"zoo", nullptr},
                        {"ark", false},
                        {"transformers_version", "5.0"}};
  EXPECT_EQ(spec_with("llama", changes).ignored_keys, Names{});
}

TEST(UnreadKeys, GiveOneWarningOfBoundedLength) {
  EXPECT_EQ(ignored_keys_warning({}, "llama", "config.json"), "");
  EXPECT_EQ(ignored_keys_warning({"a", "b"}, "llama", "m/config.json"),
            "keys of m/config.json that transformers' llama does not read are ignored: a, b");
  const std::string warning =
      ignored_keys_warning(Names(5000, std::string(10'000, 'x') + "\n\033[2J"), "llama", "config.json");
  EXPECT_LT(warning.size(), 1000U);
  EXPECT_NE(warning.find("4,988 more"), std::string::npos) << warning;
  EXPECT_EQ(std::count_if(warning.begin(), warning.end(), [](char c) { return c == '\n' || c == '\033'; }), 0);
}

TEST(ReadKeys, ThatAreNotComputedHereAreRefusedByName) {
  const std::vector<std::tuple<std::string, std::string, Json>> cases = {
      {"llama", "is_causal", false},
      {"llama", "is_encoder_decoder", true},
      {"llama", "sliding_window", 5},
      {"llama", "layer_types", {"sliding_attention", "full_attention"}},
      {"llama", "layer_types", {"full_attention"}},
      {"llama", "attention_chunk_size", 8},
      {"llama", "per_layer_config", {{"0", {{"hidden_size", 4}}}}},
      {"llama", "text_config", {{"hidden_size", 4}}},
      {"llama", "quantization_config", {{"quant_method", "gptq"}}},
      {"llama", "quantization", {{"bits", 4}}},
      {"llama", "compression_config", {{"format", "int"}}},
      {"gemma", "use_bidirectional_attention", true},
      {"gpt2", "rope_theta", 10.0},
      {"gpt2", "num_key_value_heads", 1},
      {"gpt_neox", "rope_theta", 5.0},
  };
  for (const auto& [type, key, value] : cases)
    EXPECT_NE(refusal_with(type, {{key, value}}).find(key), std::string::npos) << type << " with " << key;
}

TEST(ReadKeys, ThatSayWhatIsComputedAnywayAreTaken) {
  EXPECT_EQ(refusal_with("llama", {{"sliding_window", 2048}, {"is_causal", true}, {"quantization_config", nullptr}}),
            "");
  EXPECT_EQ(refusal_with("llama", {{"layer_types", {"full_attention", "full_attention"}}}), "");
  EXPECT_EQ(refusal_with("mistral", {{"layer_types", {"sliding_attention", "sliding_attention"}}}), "");
  EXPECT_EQ(refusal_with("gpt2", {{"num_key_value_heads", 2}, {"head_dim", 4}}), "");
  EXPECT_EQ(refusal_with("llama", {{"original_max_position_embeddings", 64}}), "");
  // As transformers 4.45 to 4.57 saved Pythia.
  const Json both = {{"hidden_size", 16},
                     {"rotary_pct", 0.5},
                     {"partial_rotary_factor", 0.5},
                     {"rotary_emb_base", 10000},
                     {"rope_theta", 10000}};
  EXPECT_EQ(refusal_with("gpt_neox", both), "");
}

TEST(AutoMap, ToTheFamilysOwnCodePassesAndToOtherCodeIsRefused) {
  const auto with = [](const Json& map) { return refusal_with("llama", {{"auto_map", map}}); };
  EXPECT_EQ(with(nullptr), "");
  EXPECT_EQ(with({{"AutoConfig", "configuration_llama.LlamaConfig"},
                  {"AutoModelForCausalLM", "org/repo--modeling_llama.LlamaForCausalLM"},
                  {"AutoTokenizer", {"tokenization_own.OwnTokenizer", nullptr}}}),
            "");
  for (const Json& name : {Json("modeling_own.LlamaForCausalLM"), Json("modeling_llama.OwnForCausalLM"), Json(3),
                           Json("org/repo--modeling_flash_llama.LlamaForCausalLM")}) {
    const std::string refusal = with({{"AutoModelForCausalLM", name}});
    EXPECT_NE(refusal.find("auto_map"), std::string::npos) << name;
    EXPECT_NE(refusal.find("code of its own"), std::string::npos) << refusal;
  }
  EXPECT_NE(with("modeling_llama.LlamaForCausalLM"), "");
}

TEST(SecondNames, MeanTheSameKey) {
  Json gpt2 = {{"model_type", "gpt2"},   {"vocab_size", 100},        {"hidden_size", 8},
               {"num_hidden_layers", 3}, {"num_attention_heads", 2}, {"max_position_embeddings", 77}};
  const DecoderSpec spec = decoder_spec(gpt2, "config.json");
  EXPECT_EQ(spec.hidden_size, 8);
  EXPECT_EQ(spec.layers, 3);
  EXPECT_EQ(spec.heads, 2);
  EXPECT_EQ(spec.max_positions, 77);
  EXPECT_EQ(spec.ignored_keys, Names{});
  for (const char* type : {"mixtral", "qwen3_moe"}) {
    for (const char* key : {"num_local_experts", "num_experts"})
      EXPECT_EQ(spec_with(type, {{key, 9}, {"num_experts_per_tok", 3}}).experts, 9) << type << " " << key;
    EXPECT_EQ(spec_with(type, {{"num_experts", 9}, {"num_local_experts", 9}}).experts, 9);
    EXPECT_EQ(spec_with(type, {{"num_experts", 9}, {"num_local_experts", nullptr}}).experts, 9);
    const std::string refusal = refusal_with(type, {{"num_experts", 9}, {"num_local_experts", 10}});
    EXPECT_NE(refusal.find("num_experts"), std::string::npos);
    EXPECT_NE(refusal.find("num_local_experts"), std::string::npos);
  }
  EXPECT_NE(refusal_with("gpt2", {{"hidden_size", 16}}).find("hidden_size"), std::string::npos);
  gpt2["hidden_size"] = 0;
  try {
    decoder_spec(gpt2, "config.json");
    ADD_FAILURE() << "loaded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("hidden_size"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lethe
