// The heart of a tokenizer: a piece of text into ids of its vocabulary. One .cpp a kind; the table is in
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
  /// Its text for post-processors: of the vocabulary or of the piece.
  std::string_view text;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Tokens of a piece that is not empty, put behind what `tokens` holds. Time grows with the length of the piece, and
  /// its logarithm at most, whatever it holds. Safe to call from several threads.
  /// @throws Error (bad input) where the piece cannot be told in this vocabulary and it has no token for the unknown
  virtual void encode(std::string_view piece, std::vector<ModelToken>& tokens) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit TokenModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  /// The error for a piece that takes more than most_bytes_walked().
  [[noreturn]] static void refuse_long_walk(std::string_view piece);
  Vocabulary vocabulary_;
};

/// @param model  the "model" of a tokenizer.json
/// @throws Error (bad input) for a broken vocabulary or merge, or a setting that is not understood
std::unique_ptr<TokenModel> make_token_model(const Json& model);
std::unique_ptr<TokenModel> make_bpe(const Json& model);
std::unique_ptr<TokenModel> make_word_piece(const Json& model);
std::unique_ptr<TokenModel> make_word_level(const Json& model);
std::unique_ptr<TokenModel> make_unigram(const Json& model);

}  // namespace lethe
