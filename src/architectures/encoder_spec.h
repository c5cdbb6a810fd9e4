// Describes an encoder (BERT and its relatives). A family function fills in the description.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "architectures/parts.h"
#include "core/json.h"

namespace lethe {

/// The description of one encoder. D model width, E width of the embeddings, H heads, F inner width of the MLP, V
/// vocabulary.
struct EncoderSpec {
  std::string model_type;
  std::int64_t vocabulary = 0, hidden_size = 0, embedding_size = 0, layers = 0, heads = 0, intermediate_size = 0;
  std::int64_t types = 0;          ///< rows of the token type embedding
  std::int64_t position_rows = 0;  ///< rows of the position embedding
  /// Tokens with this id have no position; the other positions begin at this id plus one (RoBERTa). Nothing: positions
  /// begin at 0.
  std::optional<std::int64_t> padding_id;
  double norm_epsilon = 1e-12;
  Activation activation = Activation::gelu;
  /// Prefix of all names, missing in some files: "bert.".
  std::string prefix;
  /// The linear map from E to D after the embeddings; empty: none, and E = D.
  std::string projection;
  /// A classifier of this family has its own dense layer instead of the pooler (RoBERTa).
  bool classifier_dense = false;
  /// Keys that are set in config.json but that transformers' code of the family does not read either.
  std::vector<std::string> ignored_keys;

  std::int64_t head_dim() const { return hidden_size / heads; }
  /// The most tokens per row.
  std::int64_t max_tokens() const { return position_rows - (padding_id ? *padding_id + 1 : 0); }
};

/// Reads config.json through the table of encoder families.
/// @param where  named in errors
/// @throws Error (bad input) for an unknown architecture, a missing key, or an unsupported key that changes the
///         arithmetic
EncoderSpec encoder_spec(const Json& config, const std::string& where);

/// Whether config.json's model_type is an encoder's.
bool is_encoder(const Json& config);

/// model_type of every family, for messages.
std::vector<std::string> known_encoders();

}  // namespace lethe
