// A text on its way through normalizers and pre-tokenizers, which remembers for each byte where it came from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"

namespace lethe {

/// One character of a changed text: its bytes, and whether it stands for the next character of the old text or was
/// inserted behind it (then it shares its predecessor's origin).
struct ChangedCharacter {
  std::string bytes;
  bool inserted = false;
};

/// The text as changed so far, with the bytes of the original text behind each of its own. Follows the `tokenizers`
/// library's NormalizedString, whose alignment decides the offsets that users see.
class NormalizedText {
 public:
  explicit NormalizedText(std::string_view original);

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// First byte of the original text that this piece covers.
  std::size_t original_begin() const { return begin_; }
  /// The original bytes behind bytes [begin, end) of the changed text.
  ByteRange original(std::size_t begin, std::size_t end) const;

  NormalizedText slice(std::size_t begin, std::size_t end) const;
  /// Puts characters before the text; they belong to its first character. An empty text stays empty.
  void prepend(std::string_view prefix);
  /// Replaces each range (ascending, apart) by `content`, which belongs to the last character replaced.
  void replace(const std::vector<ByteRange>& ranges, std::string_view content);
  /// Replaces the whole text character by character; each one that was not inserted takes the next old character's
  /// place.
  void transform(const std::vector<ChangedCharacter>& characters);

 private:
  NormalizedText() = default;
  std::string text_;
  std::vector<ByteRange> origin_;  // of each byte of text_
  std::size_t begin_ = 0;
};

}  // namespace lethe
