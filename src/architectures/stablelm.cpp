// StableLM: LLaMA's body with LayerNorm and a part of each head rotated; the 12B has separate norms for every head, and
// parallel attention and MLP.
#include "architectures/families.h"

namespace lethe {

DecoderSpec stablelm_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 32,
                                         .positions = 4096,
                                         .norm_key = "layer_norm_eps",
                                         .norm_epsilon = 1e-5,
                                         .rope = {.default_share = 0.25}});
  if (spec.head_dim * spec.heads != spec.hidden_size) config.refuse("head_dim", "hidden_size / num_attention_heads");
  spec.norm = NormKind::layer;
  spec.attention_bias = config.flag("use_qkv_bias", false);
  auto& n = spec.names;
  spec.parallel = config.flag("use_parallel_residual", false);
  if (spec.parallel) n.mlp_norm = "";
  if (config.flag("qk_layernorm", false)) {
    spec.query_key_norm = QueryKeyNorm::each_head;
    n.query_norm = "self_attn.q_layernorm";
    n.key_norm = "self_attn.k_layernorm";
  }
  return spec;
}

}  // namespace lethe
