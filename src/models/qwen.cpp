// Qwen2 and 2.5: LLaMA's body with biases on queries, keys and values, and windows on the upper layers where they are
// switched on. Qwen3: norms on each head's queries and keys instead of the biases.
#include "models/families.h"

namespace lethe {
namespace {

void read_windows(ConfigReader& config, DecoderSpec& spec) {
  const bool on = config.flag("use_sliding_window", false);
  const std::int64_t window = on ? read_window(config, 4096) : 0;
  if (!on) config.neutral({"sliding_window"});
  const Json& first = config.raw("max_window_layers");
  if (!first.is_null() && (!first.is_number_integer() || first.get<std::int64_t>() < 0))
    config.refuse("max_window_layers", "a number of layers");
  const std::int64_t first_windowed = first.is_null() ? 28 : first.get<std::int64_t>();
  spec.windows =
      read_layer_types(config, spec.layers, window, [&](std::int64_t layer) { return layer >= first_windowed; });
}

}  // namespace

DecoderSpec qwen2_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 32, .positions = 32768});
  spec.attention_bias = true;
  read_windows(config, spec);
  return spec;
}

DecoderSpec qwen3_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 32, .head_dim = 128, .positions = 32768});
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.names.query_norm = "self_attn.q_norm";
  spec.names.key_norm = "self_attn.k_norm";
  spec.query_key_norm = QueryKeyNorm::shared;
  read_windows(config, spec);
  return spec;
}

}  // namespace lethe
