// OLMo 2: LLaMA's body with norms after the blocks instead of before them, and norms over all queries and all keys.
#include "architectures/families.h"

namespace lethe {

DecoderSpec olmo2_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.norm_epsilon = 1e-5});
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.query_key_norm = QueryKeyNorm::whole;
  auto& n = spec.names;
  n.query_norm = "self_attn.q_norm";
  n.key_norm = "self_attn.k_norm";
  n.attention_norm = n.mlp_norm = "";
  n.post_attention_norm = "post_attention_layernorm";
  n.post_mlp_norm = "post_feedforward_layernorm";
  return spec;
}

}  // namespace lethe
