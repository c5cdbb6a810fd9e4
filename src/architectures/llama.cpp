// LLaMA 1, 2, 3.x and everything published under model_type "llama" (TinyLlama, SmolLM, TinyStories …).
#include "architectures/families.h"

namespace lethe {

DecoderSpec llama_body(ConfigReader& config, const LlamaDefaults& defaults) {
  DecoderSpec spec;
  spec.vocabulary = config.size("vocab_size");
  spec.hidden_size = spec.embedding_size = config.size("hidden_size");
  spec.layers = config.layers("num_hidden_layers");
  spec.heads = config.size("num_attention_heads");
  const std::int64_t usual_kv_heads = defaults.kv_heads == 0 ? spec.heads : defaults.kv_heads;
  spec.kv_heads = config.size("num_key_value_heads", config.has("num_key_value_heads") ? spec.heads : usual_kv_heads);
  spec.intermediate_size = config.size("intermediate_size");
  const bool divided = config.raw("head_dim").is_null() && defaults.head_dim == 0;
  if (divided && spec.hidden_size % spec.heads != 0) config.refuse("hidden_size", "a multiple of num_attention_heads");
  spec.head_dim = config.size("head_dim", divided ? spec.hidden_size / spec.heads : defaults.head_dim);
  const std::int64_t positions = config.size("max_position_embeddings", defaults.positions);

  RopeKeys rope = defaults.rope;
  rope.head_dim = spec.head_dim;
  rope.max_positions = positions;
  spec.rotary = {read_rope(config, rope)};
  // `dynamic` is made for longer rows, and rotary positions need no table.
  spec.max_positions = spec.rotary[0].kind == RotaryOptions::Kind::dynamic ? 0 : positions;
  spec.norm = NormKind::rms;
  spec.norm_epsilon = config.epsilon(defaults.norm_key, defaults.norm_epsilon);
  spec.activation = read_activation(config, defaults.activation_key, defaults.activation);
  spec.tied_head = config.flag("tie_word_embeddings", defaults.tied_head);
  spec.initializer_range = config.number("initializer_range", 0.02, 0, 100);

  auto& n = spec.names;
  n.embedding = "model.embed_tokens";
  n.layer = "model.layers.";
  n.attention_norm = "input_layernorm";
  n.query = "self_attn.q_proj";
  n.key = "self_attn.k_proj";
  n.value = "self_attn.v_proj";
  n.attention_out = "self_attn.o_proj";
  n.mlp_norm = "post_attention_layernorm";
  n.gate = "mlp.gate_proj";
  n.up = "mlp.up_proj";
  n.down = "mlp.down_proj";
  n.final_norm = "model.norm";
  n.head = "lm_head";
  n.ignored = {"rotary_emb.inv_freq"};
  return spec;
}

DecoderSpec llama_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {});
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.mlp_bias = config.flag("mlp_bias", false);
  return spec;
}

}  // namespace lethe
