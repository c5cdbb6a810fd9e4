// What differs between the families of decoder-only language models: one description, filled in by a family file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "nn/activation.h"
#include "nn/norm.h"
#include "nn/rotary.h"

namespace lethe {

/// The tensors' names in a checkpoint, without ".weight" / ".bias"; empty: the model has no such part. Names of a
/// layer's parts stand behind `layer` + index + ".".
struct TensorNames {
  std::string embedding, positions, project_in, project_out, final_norm, head;
  std::string layer;
  std::string attention_norm, query, key, value, attention_out;
  std::string query_norm, key_norm;  ///< of each head's queries and keys, before the rotary embedding
  std::string mlp_norm, gate, up, down;
  /// Prefix that some files of the family leave out ("model."): tried without where a name is missing.
  std::string optional_prefix;
  /// Beginnings or endings of names that old files carry and that hold no weights ("rotary_emb.inv_freq").
  std::vector<std::string> ignored;
};

/// One decoder, described. D model width, H heads, G key/value heads, F inner width of the MLP, V vocabulary.
struct DecoderSpec {
  std::string model_type;
  std::int64_t vocabulary = 0, width = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, inner = 0;
  std::int64_t embedding_width = 0;  ///< of the token embedding, where project_in/out lead to D and back (OPT-350m)
  std::int64_t max_positions = 0;    ///< tokens a row may have; 0: no bound of the architecture's own

  bool rotary = false;
  RotaryOptions rotary_options;
  std::int64_t position_offset = 0;  ///< learned positions: the row of the table that position 0 has (OPT: 2)

  NormKind norm = NormKind::rms;
  double norm_epsilon = 1e-6;
  bool norm_affine = true;
  bool norm_after = false;  ///< norm of (x + block(x)) instead of x + block(norm(x)) (OPT-350m)
  bool attention_bias = false, attention_out_bias = false, mlp_bias = false;
  /// Of each layer: tokens that a query sees, itself included; 0: all before it. Empty: no layer has a window.
  std::vector<std::int64_t> windows;
  Activation activation = Activation::silu;
  bool tied_head = false;

  std::vector<int> stop_ids;  ///< eos_token_id of config.json
  double initializer_range = 0.02;
  TensorNames names;

  bool gated() const { return !names.gate.empty(); }
  std::string layer_name(std::int64_t index, const std::string& part) const {
    return names.layer + std::to_string(index) + "." + part;
  }
};

/// Reads config.json through the table of families.
/// @param where  named in errors
/// @throws Error (bad input) for an unknown architecture, a missing key, or a key that changes the arithmetic and is
/// not
///         understood
DecoderSpec decoder_spec(const Json& config, const std::string& where);

/// model_type of every family, for messages.
std::vector<std::string> known_families();

}  // namespace lethe
