// Gemma 1, 2 and 3 (text): LLaMA's body with scaled embeddings, norms of 1 + w and a GELU gate. Gemma 2 adds norms
// after the blocks, soft caps and a window on every other layer. Gemma 3 adds norms on queries and keys, and a separate
// rotary embedding for the layers with a window.
#include <cmath>

#include "architectures/families.h"

namespace lethe {
namespace {

DecoderSpec gemma_body(ConfigReader& config, LlamaDefaults defaults) {
  defaults.head_dim = 256;
  defaults.activation = "gelu_pytorch_tanh";
  defaults.tied_head = true;
  DecoderSpec spec = llama_body(config, defaults);
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.embedding_scale = std::sqrt(static_cast<double>(spec.hidden_size));
  spec.norm_offset = 1.0;
  config.neutral({"cache_implementation"});
  return spec;
}

/// The window of Gemma 2 and 3, for the layers that have one.
std::int64_t gemma_window(ConfigReader& config) {
  const std::int64_t window = read_window(config, 4096);
  if (window == 0) config.refuse("sliding_window", "a number of tokens");
  return window;
}

/// The common part of Gemma 2 and 3.
DecoderSpec gemma_sandwich(ConfigReader& config, LlamaDefaults defaults) {
  defaults.kv_heads = 4;
  defaults.activation_key = "hidden_activation";
  DecoderSpec spec = gemma_body(config, defaults);
  config.neutral({"hidden_act"});  // hidden_activation is used instead
  spec.attention_scale = 1.0 / std::sqrt(config.positive("query_pre_attn_scalar", 256));
  spec.names.post_attention_norm = "post_attention_layernorm";
  spec.names.mlp_norm = "pre_feedforward_layernorm";
  spec.names.post_mlp_norm = "post_feedforward_layernorm";
  return spec;
}

}  // namespace

DecoderSpec gemma_spec(ConfigReader& config) {
  DecoderSpec spec = gemma_body(config, {.kv_heads = 16, .positions = 8192});
  // The first files say "gelu" and mean its tanh form.
  if (config.text("hidden_act", "gelu") == "gelu") spec.activation = Activation::gelu_tanh;
  return spec;
}

DecoderSpec gemma2_spec(ConfigReader& config) {
  DecoderSpec spec = gemma_sandwich(config, {.positions = 8192});
  const auto every_other = [](std::int64_t layer) { return layer % 2 == 0; };
  spec.windows = read_layer_types(config, spec.layers, gemma_window(config), every_other);
  spec.attention_softcap = read_cap(config, "attn_logit_softcapping", 50.0);
  spec.logit_softcap = read_cap(config, "final_logit_softcapping", 30.0);
  return spec;
}

DecoderSpec gemma3_spec(ConfigReader& config) {
  RopeKeys rope{.default_theta = 1e6, .layer_type = "full_attention"};
  DecoderSpec spec = gemma_sandwich(config, {.positions = 131072, .rope = rope});
  rope.head_dim = spec.head_dim;
  rope.max_positions = spec.rotary[0].max_positions;
  rope.theta = "rope_local_base_freq";
  rope.default_theta = 1e4;
  rope.layer_type = "sliding_attention";
  rope.takes_scaling = false;
  spec.rotary.push_back(read_rope(config, rope));

  const std::int64_t pattern = config.size("sliding_window_pattern", 6);
  config.neutral({"_sliding_window_pattern"});  // redundant with layer_types
  const auto all_but_each_last = [&](std::int64_t layer) { return (layer + 1) % pattern != 0; };
  spec.windows = read_layer_types(config, spec.layers, gemma_window(config), all_but_each_last);
  for (const std::int64_t window : spec.windows) spec.rotary_of_layer.push_back(window > 0 ? 1 : 0);
  spec.logit_softcap = read_cap(config, "final_logit_softcapping", 0.0);
  config.only("attn_logit_softcapping", nullptr);

  spec.names.query_norm = "self_attn.q_norm";
  spec.names.key_norm = "self_attn.k_norm";
  spec.query_key_norm = QueryKeyNorm::shared;
  return spec;
}

}  // namespace lethe
