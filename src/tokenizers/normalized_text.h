// A text in normalizers and pre-tokenizers, which stores the origin of each byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"
#include "tokenizers/unicode.h"

namespace lethe {

/// Limit on the length of a changed text, given its original bytes. No real tokenizer needs more, but "a" to "aa" forty
/// times would fill the memory.
constexpr std::size_t most_bytes_made_of(std::size_t bytes) {
  return 1'000'000 + 100 * bytes;
}

/// The changed text, with the original range of each byte. Follows NormalizedString of the `tokenizers` library, whose
/// alignment determines the offsets that users see. Texts are below 4 GiB.
class NormalizedText {
 public:
  /// @param begin  first byte of the piece in the original text
  explicit NormalizedText(std::string_view piece = {}, std::size_t begin = 0)
      : text_(piece), begin_(begin), most_(most_bytes_made_of(piece.size())) {}

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// The original bytes of bytes [begin, end) of the changed text, as whole characters.
  ByteRange original(std::size_t begin, std::size_t end) const;

  NormalizedText slice(std::size_t begin, std::size_t end) const;
  /// Inserts characters before the text; they belong to its first character. An empty text stays empty.
  void prepend(std::string_view prefix);
  /// Replaces each range (ascending, not overlapping, maybe empty) by `content`, which belongs to the last character
  /// before the range's end.
  void replace(const std::vector<ByteRange>& ranges, std::string_view content);
  /// Replaces the whole text.
  /// @param removed_first  old characters removed before the first new one
  void transform(std::span<const ChangedCharacter> characters, std::size_t removed_first = 0);
  /// Keeps the characters for which `keep` holds.
  template <typename Keep>
  void filter(Keep keep) {
    std::vector<ChangedCharacter> kept;
    std::size_t removed_first = 0;
    for (std::size_t at = 0; at < text_.size();) {
      const char32_t character = next_character(text_, at);
      if (keep(character)) {
        kept.push_back({character, 0});
      } else if (kept.empty()) {
        ++removed_first;
      } else {
        --kept.back().change;
      }
    }
    transform(kept, removed_first);
  }

  /// Builds a changed text from stretches of an old one and new bytes.
  class Builder {
   public:
    explicit Builder(const NormalizedText& old) : old_(old) {}
    void keep(std::size_t begin, std::size_t end);
    /// Adds new bytes with the origin of byte `of` of the old text. @throws Error (bad input) if the text becomes too
    /// long
    void add(std::string_view bytes, std::size_t of);
    std::size_t size() const { return text_.size(); }
    NormalizedText done() &&;

   private:
    friend class NormalizedText;
    const NormalizedText& old_;
    std::string text_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> origin_;
  };

 private:
  using Origin = std::pair<std::uint32_t, std::uint32_t>;
  /// The origin of a byte.
  Origin origin(std::size_t at) const;

  std::string text_;
  std::vector<Origin> origin_;  ///< of each byte of text_; empty: the text is an unchanged piece of the original
  std::size_t begin_ = 0;       ///< of the piece
  std::size_t most_ = 0;        ///< limit of its growth, in bytes
};

}  // namespace lethe
