// Streams tokens to displayable text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lethe {

/// Decodes tokens one by one. It holds back text that the next token may change (a part of a character), so that no
/// piece ends within a character. The joined pieces equal the decoding of all tokens. The time of a token does not grow
/// with the tokens before it.
class TextStream {
 public:
  /// The tokenizer must outlive this.
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// The text added by this token; may be empty.
  std::string add(int id);
  /// The remaining text. Call it once, at the end.
  std::string finish();
  /// The ids of all tokens so far.
  const std::vector<int>& ids() const { return ids_; }

 private:
  std::string decoded(std::size_t begin) const;
  void move_window(const std::string& text);
  std::string advance(const std::string& text, std::size_t end);
  const Tokenizer& tokenizer_;
  std::vector<int> ids_;
  std::size_t begin_ = 0;  // of the window: the last tokens, which are decoded again with each one
  std::size_t shown_ = 0;  // bytes of the window's text
};

}  // namespace lethe
