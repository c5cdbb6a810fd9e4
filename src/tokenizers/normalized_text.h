// A text on its way through normalizers and pre-tokenizers, which remembers for each byte where it came from.
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

/// How long a text of so many bytes may become: no honest tokenizer makes more of it, and "a" to "aa" forty times over
/// would fill the memory.
constexpr std::size_t most_bytes_made_of(std::size_t bytes) {
  return 1'000'000 + 100 * bytes;
}

/// The text as changed so far, with the bytes of the original text behind each of its own. Follows the `tokenizers`
/// library's NormalizedString, whose alignment decides the offsets that users see. Texts are below 4 GiB.
class NormalizedText {
 public:
  /// @param begin  first byte of the piece in the original text
  explicit NormalizedText(std::string_view piece = {}, std::size_t begin = 0)
      : text_(piece), begin_(begin), most_(most_bytes_made_of(piece.size())) {}

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// The original bytes behind bytes [begin, end) of the changed text, whole characters.
  ByteRange original(std::size_t begin, std::size_t end) const;

  NormalizedText slice(std::size_t begin, std::size_t end) const;
  /// Puts characters before the text; they belong to its first character. An empty text stays empty.
  void prepend(std::string_view prefix);
  /// Replaces each range (ascending, apart, perhaps empty) by `content`, which belongs to the last character before
  /// the range's end.
  void replace(const std::vector<ByteRange>& ranges, std::string_view content);
  /// Replaces the whole text.
  /// @param removed_first  old characters that are gone before the first new one
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
    /// New bytes that belong to what byte `of` of the old text belongs to. @throws Error (bad input) if the text
    /// becomes too long
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
  /// Of a byte.
  Origin origin(std::size_t at) const;

  std::string text_;
  std::vector<Origin> origin_;  ///< of each byte of text_; empty: the text is a piece of the original as it stands
  std::size_t begin_ = 0;       ///< of the piece
  std::size_t most_ = 0;        ///< bytes that it may grow to
};

}  // namespace lethe
