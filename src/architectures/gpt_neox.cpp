// GPT-NeoX and Pythia: parallel attention and MLP, each after its own LayerNorm; q, k and v fused head by head; part of
// each head rotated.
#include "architectures/families.h"

namespace lethe {

DecoderSpec gpt_neox_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(
      config,
      {.norm_key = "layer_norm_eps",
       .norm_epsilon = 1e-5,
       .activation = "gelu",
       .rope = {.theta = "rotary_emb_base", .share = "rotary_pct", .default_share = 0.25, .takes_odd_share = true}});
  if (spec.kv_heads != spec.heads) config.refuse("num_key_value_heads", "as many as num_attention_heads");
  spec.norm = NormKind::layer;
  spec.parallel = config.flag("use_parallel_residual", true);
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", true);
  spec.mlp_bias = true;
  spec.qkv_by_head = true;
  config.neutral({"attention_probs_dropout_prob", "hidden_dropout_prob", "custom_pipelines"});

  auto& n = spec.names;
  n.embedding = "gpt_neox.embed_in";
  n.layer = "gpt_neox.layers.";
  n.fused_qkv = "attention.query_key_value";
  n.query = n.key = n.value = n.gate = "";
  n.attention_out = "attention.dense";
  n.up = "mlp.dense_h_to_4h";
  n.down = "mlp.dense_4h_to_h";
  n.final_norm = "gpt_neox.final_layer_norm";
  n.head = "embed_out";
  n.ignored = {".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"};
  return spec;
}

}  // namespace lethe
