// A text that records the source of its bytes: the chat template itself, or one of its inputs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"

namespace lethe {

/// Bytes [begin, end) of a text that came from an input, and which input.
struct TextMark {
  std::size_t begin = 0, end = 0;
  int source = 0;  ///< from 1

  bool operator==(const TextMark&) const = default;
};

/// Text assembled from pieces. Input pieces stay marked through cutting, joining and replacing. So the result shows
/// where an answer is, and which bytes must not become special tokens.
class MarkedText {
 public:
  MarkedText() = default;
  /// @param source  0: the template's own
  explicit MarkedText(std::string_view text, int source = 0) { append(text, source); }

  const std::string& text() const { return text_; }
  /// Ascending, not overlapping, none empty; adjacent marks of one source are merged.
  const std::vector<TextMark>& marks() const { return marks_; }
  /// The output of {% generation %} blocks: bytes [begin, end), ascending and not overlapping, one range per block.
  const std::vector<ByteRange>& generated() const { return generated_; }
  /// Marks the whole text as one such block.
  void mark_generated();
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  /// 0 for the template's own bytes.
  int source_at(std::size_t byte) const;

  /// Only a hostile template makes a text of more bytes.
  static constexpr std::size_t kMostBytes = std::size_t{1} << 24;
  /// @throws Error (bad input) if the text becomes too long
  void append(std::string_view text, int source = 0);
  void append(const MarkedText& other);
  MarkedText slice(std::size_t begin, std::size_t end) const;

 private:
  void make_room(std::size_t bytes) const;
  std::string text_;
  std::vector<TextMark> marks_;
  std::vector<ByteRange> generated_;
};

}  // namespace lethe
