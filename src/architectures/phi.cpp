// Phi-1, 1.5 and 2: parallel attention and MLP after one LayerNorm, biases everywhere, also in the head.
#include "architectures/families.h"

namespace lethe {

DecoderSpec phi_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(
      config,
      {.norm_key = "layer_norm_eps", .norm_epsilon = 1e-5, .activation = "gelu_new", .rope = {.default_share = 0.5}});
  spec.norm = NormKind::layer;
  spec.parallel = true;
  spec.attention_bias = spec.attention_out_bias = spec.mlp_bias = spec.head_bias = true;
  auto& n = spec.names;
  n.attention_out = "self_attn.dense";
  n.mlp_norm = n.gate = "";
  n.up = "mlp.fc1";
  n.down = "mlp.fc2";
  n.final_norm = "model.final_layernorm";
  if (config.flag("qk_layernorm", false)) {
    spec.query_key_norm = QueryKeyNorm::shared;
    n.query_norm = "self_attn.q_layernorm";
    n.key_norm = "self_attn.k_layernorm";
  }
  return spec;
}

}  // namespace lethe
