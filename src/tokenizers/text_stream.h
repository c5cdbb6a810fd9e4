// Tokens as they come, text as it can be shown.
#pragma once

#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lethe {

/// Turns tokens into text one by one. What may still change with the next token (a part of a character) is held back,
/// so that no piece ends within a character; joined, the pieces are what the tokenizer decodes from all the tokens.
class TextStream {
 public:
  /// The tokenizer outlives this.
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// The text that this token brings; may be empty.
  std::string add(int id);
  /// What was still held back. Call it once, at the end.
  std::string finish();
  /// Of all tokens so far.
  const std::vector<int>& ids() const { return ids_; }

 private:
  std::string advance(const std::string& text, std::size_t end);
  const Tokenizer& tokenizer_;
  std::vector<int> ids_;
  std::string shown_;
};

}  // namespace lethe
