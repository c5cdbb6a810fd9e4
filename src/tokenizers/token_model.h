// The model of a tokenizer: encodes a piece of text as ids of its vocabulary. One .cpp per kind; the table is in
// token_model.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "tokenizers/vocabulary.h"

namespace lethe {

/// A token of a piece: bytes [begin, end) of it.
struct ModelToken {
  int id;
  std::uint32_t begin, end;
  /// Its text for post-processors, from the vocabulary or the piece.
  std::string_view text;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the tokens of a non-empty piece to `tokens`. Takes at most n log n time for any piece of n bytes.
  /// Thread-safe.
  /// @throws Error (bad input) if the vocabulary cannot encode the piece and has no unknown token
  virtual void encode(std::string_view piece, std::vector<ModelToken>& tokens) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit TokenModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  /// The error for a piece that needs more than most_bytes_walked().
  [[noreturn]] static void refuse_long_walk(std::string_view piece);
  Vocabulary vocabulary_;
};

/// @param model  the "model" of a tokenizer.json
/// @throws Error (bad input) for a broken vocabulary or merge, or an unsupported setting
std::unique_ptr<TokenModel> make_token_model(const Json& model);
std::unique_ptr<TokenModel> make_bpe(const Json& model);
std::unique_ptr<TokenModel> make_word_piece(const Json& model);
std::unique_ptr<TokenModel> make_word_level(const Json& model);
std::unique_ptr<TokenModel> make_unigram(const Json& model);

}  // namespace lethe
