// Qwen2 and 2.5: LLaMA's body with biases on queries, keys and values, and windows on the upper layers if enabled.
// Qwen3: norms on each head's queries and keys instead of the biases; also mixtures of experts.
#include <algorithm>

#include "architectures/families.h"

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

DecoderSpec qwen3_body(ConfigReader& config, const LlamaDefaults& defaults) {
  DecoderSpec spec = llama_body(config, defaults);
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.names.query_norm = "self_attn.q_norm";
  spec.names.key_norm = "self_attn.k_norm";
  spec.query_key_norm = QueryKeyNorm::shared;
  return spec;
}

}  // namespace

DecoderSpec qwen2_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 32, .positions = 32768});
  spec.attention_bias = true;
  read_windows(config, spec);
  return spec;
}

DecoderSpec qwen3_spec(ConfigReader& config) {
  DecoderSpec spec = qwen3_body(config, {.kv_heads = 32, .head_dim = 128, .positions = 32768});
  read_windows(config, spec);
  return spec;
}

DecoderSpec qwen3_moe_spec(ConfigReader& config) {
  DecoderSpec spec = qwen3_body(config, {.kv_heads = 4, .positions = 32768});
  const std::int64_t window = config.flag("use_sliding_window", false) ? read_window(config, 4096) : 0;
  if (window > 0) spec.windows.assign(static_cast<std::size_t>(spec.layers), window);
  // Here all layers have a window or none. The other keys are for training with a loss that balances the experts.
  config.neutral({"sliding_window", "max_window_layers", "output_router_logits", "router_aux_loss_coef"});

  spec.experts = config.count("num_local_experts", 128, kMostExperts);
  spec.chosen_experts = config.size("num_experts_per_tok", 8);
  if (spec.chosen_experts > spec.experts) config.refuse("num_experts_per_tok", "at most num_local_experts");
  spec.expert_intermediate_size = config.size("moe_intermediate_size", 768);
  spec.normalised_experts = config.flag("norm_topk_prob", false);
  const std::int64_t step = config.size("decoder_sparse_step", 1);
  const std::vector<int> dense = config.ids("mlp_only_layers");
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    const bool listed = std::find(dense.begin(), dense.end(), layer) != dense.end();
    spec.dense_layers.push_back(listed || (layer + 1) % step != 0);
  }
  auto& n = spec.names;
  n.router = "mlp.gate";
  n.experts = "mlp.experts.";
  n.expert_gate = "gate_proj";
  n.expert_up = "up_proj";
  n.expert_down = "down_proj";
  return spec;
}

}  // namespace lethe
