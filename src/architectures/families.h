// The table of model families. To add one, write one file next to this one, one line here and one in families.cpp.
#pragma once

#include <functional>

#include "architectures/config_reader.h"
#include "architectures/decoder_spec.h"
#include "architectures/rope_config.h"

namespace lethe {

DecoderSpec gemma_spec(ConfigReader& config);
DecoderSpec gemma2_spec(ConfigReader& config);
DecoderSpec gemma3_spec(ConfigReader& config);
DecoderSpec gpt2_spec(ConfigReader& config);
DecoderSpec gpt_neox_spec(ConfigReader& config);
DecoderSpec granite_spec(ConfigReader& config);
DecoderSpec llama_spec(ConfigReader& config);
DecoderSpec mistral_spec(ConfigReader& config);
DecoderSpec mixtral_spec(ConfigReader& config);
DecoderSpec olmo2_spec(ConfigReader& config);
DecoderSpec opt_spec(ConfigReader& config);
DecoderSpec phi_spec(ConfigReader& config);
DecoderSpec phi3_spec(ConfigReader& config);
DecoderSpec qwen2_spec(ConfigReader& config);
DecoderSpec qwen3_spec(ConfigReader& config);
DecoderSpec qwen3_moe_spec(ConfigReader& config);
DecoderSpec stablelm_spec(ConfigReader& config);

/// transformers' defaults for missing keys of this family (0: from the other keys), and the names of its keys.
struct LlamaDefaults {
  std::int64_t kv_heads = 0, head_dim = 0, positions = 2048;
  std::string norm_key = "rms_norm_eps";
  double norm_epsilon = 1e-6;
  std::string activation_key = "hidden_act", activation = "silu";
  bool tied_head = false;
  RopeKeys rope = {};  ///< head_dim and max_positions are filled in
};
/// The body of LLaMA and the families derived from it: names, rotary embedding, RMSNorm, gated MLP; no biases. A family
/// overwrites what differs.
DecoderSpec llama_body(ConfigReader& config, const LlamaDefaults& defaults);

/// A limit above any layer's experts, since each is stored in the spec.
inline constexpr std::int64_t kMostExperts = 10'000;

/// A family for `lethe models`.
struct ListedFamily {
  std::string model_type;  ///< of config.json
  std::string published;   ///< names of its published models
  std::string source;      ///< one of them on the Hub
};
/// All families, by model_type.
std::vector<ListedFamily> listed_families();

/// The window of each layer from `layer_types`; if missing, for the layers (from 0) selected by `windowed`.
std::vector<std::int64_t> read_layer_types(ConfigReader& config, std::int64_t layers, std::int64_t window,
                                           const std::function<bool(std::int64_t)>& windowed);

/// sliding_window: null (no window) or a positive number; `usual` if the key is missing.
std::int64_t read_window(ConfigReader& config, std::int64_t usual);

/// A positive number; `usual` if the key is missing, 0 if it is null.
double read_cap(ConfigReader& config, const std::string& key, double usual);

/// "silu", "gelu", … by transformers' names. @throws Error for others
Activation read_activation(ConfigReader& config, const std::string& key, const std::string& fallback);

}  // namespace lethe
