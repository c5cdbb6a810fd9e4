// Describes a decoder-only language model. A family file fills in the description.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "architectures/parts.h"
#include "core/json.h"

namespace lethe {

/// The tensor names of a checkpoint, without ".weight" / ".bias"; empty: the model has no such part. Names of a layer's
/// parts follow `layer` + index + ".". Files may use equivalent names (formats/tensor_names.h).
struct TensorNames {
  std::string embedding, positions, project_in, project_out, final_norm, head;
  std::string layer;
  std::string attention_norm, query, key, value, attention_out;
  std::string fused_qkv;             ///< one linear map for query, key and value
  std::string query_norm, key_norm;  ///< applied before the rotary embedding
  std::string mlp_norm, gate, up, down;
  std::string fused_gate_up;    ///< one linear map for gate and up, the gate's rows first
  std::string router, experts;  ///< of a mixture; an expert's parts follow experts + index + "."
  std::string expert_gate, expert_up, expert_down;
  std::string post_attention_norm, post_mlp_norm;  ///< of a block's output, before the residual sum
  /// Prefixes or suffixes of names in old files that hold no weights ("rotary_emb.inv_freq").
  std::vector<std::string> ignored;
};

/// Norms of queries and keys: none; one of head width, shared by all heads; one over all heads together; one of head
/// width for each head.
enum class QueryKeyNorm { none, shared, whole, each_head };

/// The description of one decoder. D model width, H heads, G key/value heads, F inner width of the MLP, V vocabulary.
struct DecoderSpec {
  std::string model_type;
  std::int64_t vocabulary = 0, hidden_size = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0,
               intermediate_size = 0;
  std::int64_t embedding_size = 0;  ///< width of the token embedding, if project_in/out map it to D and back (OPT-350m)
  std::int64_t max_positions = 0;   ///< tokens per row; 0: the architecture has no limit

  std::vector<RotaryOptions> rotary;  ///< empty: no rotary embedding
  std::vector<int> rotary_of_layer;   ///< index into `rotary`; empty: the first for every layer
  std::int64_t position_offset = 0;   ///< learned positions: the table row of position 0 (OPT: 2)

  NormKind norm = NormKind::rms;
  double norm_epsilon = 1e-6;
  bool norm_affine = true;
  double norm_offset = 0.0;  ///< Norm::offset of every norm
  bool norm_after = false;   ///< norm of (x + block(x)) instead of x + block(norm(x)) (OPT-350m)
  bool parallel = false;     ///< x + attention(norm(x)) + mlp(norm(x)); without mlp_norm both take the same norm
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  bool attention_bias = false, attention_out_bias = false, mlp_bias = false, head_bias = false;
  bool transposed = false;   ///< linear maps of the layers are stored [in, out] (GPT-2)
  bool qkv_by_head = false;  ///< rows of fused_qkv: head by head q, k, v (GPT-NeoX), not all q, all k, all v

  double embedding_scale = 1.0;           ///< factor of the token embeddings
  double residual_scale = 1.0;            ///< factor of a block's output
  double attention_scale = 0.0;           ///< factor of the products q·k; 0: 1/√head_dim
  bool attention_scale_by_layer = false;  ///< divided by the layer's number, from 1
  double attention_softcap = 0.0;         ///< 0: none
  double logit_scale = 1.0, logit_softcap = 0.0;
  /// For each layer: tokens that a query sees, including itself; 0: all earlier ones. Empty: no layer has a window.
  std::vector<std::int64_t> windows;
  Activation activation = Activation::silu;
  bool tied_head = false;

  std::int64_t experts = 0;  ///< experts per mixture; 0: every layer has an MLP
  std::int64_t chosen_experts = 0, expert_intermediate_size = 0;
  bool normalised_experts = false;  ///< Mixture::normalised
  std::vector<bool> dense_layers;   ///< for each layer: whether it has an MLP instead; empty: none

  std::vector<int> stop_ids;  ///< eos_token_id of config.json
  double initializer_range = 0.02;
  /// Keys that are set in config.json but that transformers' code of the family does not read either.
  std::vector<std::string> ignored_keys;
  TensorNames names;

  bool gated() const { return !names.gate.empty() || !names.fused_gate_up.empty(); }
  bool has_experts(std::int64_t layer) const {
    return experts > 0 && (dense_layers.empty() || !dense_layers[static_cast<std::size_t>(layer)]);
  }
  /// The row length beyond which rotary frequencies change, if they do (RotaryOptions::length_limit).
  std::optional<std::int64_t> length_limit() const;
  std::string layer_name(std::int64_t index, const std::string& part) const {
    return names.layer + std::to_string(index) + "." + part;
  }
};

/// Reads config.json through the table of families.
/// @param where  named in errors
/// @throws Error (bad input) for an unknown architecture, a missing key, or an unsupported key that changes the
/// arithmetic
DecoderSpec decoder_spec(const Json& config, const std::string& where);

/// model_type of every family, for messages.
std::vector<std::string> known_families();

}  // namespace lethe
