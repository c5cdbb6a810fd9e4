// Tokens that are extracted from the text before all other steps: <s>, <|endoftext|>, …
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/json.h"
#include "tokenizers/components.h"
#include "tokenizers/patterns.h"
#include "tokenizers/vocabulary.h"

namespace lethe {

struct AddedToken {
  int id = 0;
  std::string content;
  /// Its text in decoding: the content, normalised for `normalized` tokens (as in the `tokenizers` library since 0.22).
  /// Decoding skips a special token only if its piece equals its content.
  std::string piece;
  bool single_word = false, lstrip = false, rstrip = false, normalized = false, special = false;
};

class AddedTokens {
 public:
  /// A piece of the text: an added token, or text for the model (token < 0).
  struct Piece {
    NormalizedText text;
    int token;
  };

  AddedTokens() = default;
  /// @param list  the "added_tokens" of a tokenizer.json
  /// @param vocabulary  of the model: a token in it keeps its id; the others get the next ids, in order. Other ids in
  ///                    the list are ignored, as in `tokenizers`
  /// @param normalizer  applied to the contents of `normalized` tokens and to the text in which they are searched
  AddedTokens(const Json& list, const Vocabulary& vocabulary, const Normalizer& normalizer);

  /// Finds tokens in the text, normalises the text between them, and finds the `normalized` ones there. No piece is
  /// empty.
  /// @param plain  bytes of the text, ascending and not overlapping, that must not become special tokens
  std::vector<Piece> extract(std::string_view text, const Normalizer& normalizer,
                             std::span<const ByteRange> plain = {}) const;

  std::optional<int> id(std::string_view content) const;
  /// nullptr if no added token has this id
  const AddedToken* find(int id) const;
  bool is_special(int id) const;
  int highest_id() const { return highest_; }

 private:
  void cut(NormalizedText text, const Patterns& patterns, std::span<const ByteRange> plain,
           std::vector<Piece>& pieces) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> by_content_;
  std::unordered_map<int, std::size_t> by_id_;
  std::unordered_set<std::string> special_;
  Patterns plain_, normalized_;
  int highest_ = -1;
};

}  // namespace lethe
