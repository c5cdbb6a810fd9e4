// OPT, all sizes: 350m normalises after the blocks and has a narrower embedding; Galactica has no biases and GELU.
#include "architectures/families.h"

namespace lethe {

DecoderSpec opt_spec(ConfigReader& config) {
  DecoderSpec spec;
  spec.vocabulary = config.size("vocab_size");
  spec.hidden_size = config.size("hidden_size");
  spec.embedding_size = config.size("word_embed_proj_dim", spec.hidden_size);
  spec.layers = config.layers("num_hidden_layers");
  spec.heads = spec.kv_heads = config.size("num_attention_heads");
  if (spec.hidden_size % spec.heads != 0) config.refuse("hidden_size", "a multiple of num_attention_heads");
  spec.head_dim = spec.hidden_size / spec.heads;
  spec.intermediate_size = config.size("ffn_dim");
  spec.max_positions = config.size("max_position_embeddings");
  spec.position_offset = 2;

  spec.norm = NormKind::layer;
  spec.norm_epsilon = 1e-5;
  spec.norm_affine = config.flag("layer_norm_elementwise_affine", true);
  spec.norm_after = !config.flag("do_layer_norm_before", true);
  spec.attention_bias = spec.attention_out_bias = spec.mlp_bias = config.flag("enable_bias", true);
  spec.activation = read_activation(config, "activation_function", "relu");
  spec.tied_head = config.flag("tie_word_embeddings", true);
  spec.initializer_range = config.number("init_std", 0.02, 0, 100);

  auto& n = spec.names;
  n.embedding = "model.decoder.embed_tokens";
  n.positions = "model.decoder.embed_positions";
  if (spec.embedding_size != spec.hidden_size) {
    n.project_in = "model.decoder.project_in";
    n.project_out = "model.decoder.project_out";
  }
  n.layer = "model.decoder.layers.";
  n.attention_norm = "self_attn_layer_norm";
  n.query = "self_attn.q_proj";
  n.key = "self_attn.k_proj";
  n.value = "self_attn.v_proj";
  n.attention_out = "self_attn.out_proj";
  n.mlp_norm = "final_layer_norm";
  n.up = "fc1";
  n.down = "fc2";
  if (!spec.norm_after && !config.flag("_remove_final_layer_norm", false))
    n.final_norm = "model.decoder.final_layer_norm";
  config.neutral({"_remove_final_layer_norm"});
  n.head = "lm_head";
  return spec;
}

}  // namespace lethe
