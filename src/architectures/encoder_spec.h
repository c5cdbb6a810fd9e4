// What differs between the families of encoders (BERT and its kin): one description, filled in by a family function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "architectures/parts.h"
#include "core/json.h"

namespace lethe {

/// One encoder, described. D model width, E width of the embeddings, H heads, F inner width of the MLP, V vocabulary.
struct EncoderSpec {
  std::string model_type;
  std::int64_t vocabulary = 0, hidden_size = 0, embedding_size = 0, layers = 0, heads = 0, intermediate_size = 0;
  std::int64_t types = 0;          ///< rows of the token type embedding
  std::int64_t position_rows = 0;  ///< rows of the position embedding
  /// Tokens with this id stand at no position, and the others at positions counted from it on, plus one (RoBERTa).
  /// Nothing: positions are counted from 0.
  std::optional<std::int64_t> padding_id;
  double norm_epsilon = 1e-12;
  Activation activation = Activation::gelu;
  /// Beginning of all names, which some files leave out: "bert.".
  std::string prefix;
  /// The linear map from E to D behind the embeddings; empty: there is none and E = D.
  std::string projection;
  /// A classifier of this family has a dense layer of its own in the pooler's place (RoBERTa).
  bool classifier_dense = false;
  /// Keys of config.json that are set and that transformers' code of the family does not read either.
  std::vector<std::string> ignored_keys;

  std::int64_t head_dim() const { return hidden_size / heads; }
  /// Tokens a row may have.
  std::int64_t max_tokens() const { return position_rows - (padding_id ? *padding_id + 1 : 0); }
};

/// Reads config.json through the table of encoder families.
/// @param where  named in errors
/// @throws Error (bad input) for an unknown architecture, a missing key, or a key that changes the arithmetic and is
///         not understood
EncoderSpec encoder_spec(const Json& config, const std::string& where);

/// Whether config.json's model_type is an encoder's.
bool is_encoder(const Json& config);

/// model_type of every family, for messages.
std::vector<std::string> known_encoders();

}  // namespace lethe
