// Streams tokens to displayable text.
#pragma once

#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lethe {

/// Decodes tokens one by one. It holds back text that the next token may change (a part of a character), so that no
/// piece ends within a character. The joined pieces equal the decoding of all tokens.
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
  std::string advance(const std::string& text, std::size_t end);
  const Tokenizer& tokenizer_;
  std::vector<int> ids_;
  std::string shown_;
};

}  // namespace lethe
