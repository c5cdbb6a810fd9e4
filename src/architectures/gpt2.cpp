// GPT-2: learned positions, LayerNorm, fused projections; its maps are stored [in, out] (Conv1D).
#include "architectures/families.h"

namespace lethe {

DecoderSpec gpt2_spec(ConfigReader& config) {
  DecoderSpec spec;
  spec.vocabulary = config.size("vocab_size");
  spec.hidden_size = spec.embedding_size = config.size("n_embd");
  spec.layers = config.layers("n_layer");
  spec.heads = spec.kv_heads = config.size("n_head");
  if (spec.hidden_size % spec.heads != 0) config.refuse("n_embd", "a multiple of n_head");
  spec.head_dim = spec.hidden_size / spec.heads;
  spec.intermediate_size = config.size("n_inner", 4 * spec.hidden_size);
  spec.max_positions = config.size("n_positions", 1024);

  spec.norm = NormKind::layer;
  spec.norm_epsilon = config.epsilon("layer_norm_epsilon", 1e-5);
  spec.attention_bias = spec.attention_out_bias = spec.mlp_bias = true;
  spec.transposed = true;
  if (!config.flag("scale_attn_weights", true)) spec.attention_scale = 1.0;
  spec.attention_scale_by_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  spec.activation = read_activation(config, "activation_function", "gelu_new");
  spec.tied_head = config.flag("tie_word_embeddings", true);
  spec.initializer_range = config.number("initializer_range", 0.02, 0, 100);
  // reorder_and_upcast_attn concerns 16-bit arithmetic; summary_* is another task's head; n_ctx repeats n_positions.
  config.neutral({"reorder_and_upcast_attn", "n_ctx", "summary_type", "summary_use_proj", "summary_activation",
                  "summary_proj_to_labels", "summary_first_dropout", "_num_labels"});

  auto& n = spec.names;
  n.embedding = "transformer.wte";
  n.positions = "transformer.wpe";
  n.layer = "transformer.h.";
  n.attention_norm = "ln_1";
  n.fused_qkv = "attn.c_attn";
  n.attention_out = "attn.c_proj";
  n.mlp_norm = "ln_2";
  n.up = "mlp.c_fc";
  n.down = "mlp.c_proj";
  n.final_norm = "transformer.ln_f";
  n.head = "lm_head";
  n.ignored = {".attn.bias", ".attn.masked_bias"};  // the causal mask
  return spec;
}

}  // namespace lethe
