// A text that knows which of its bytes came from whom: what a chat template wrote itself, and what it was given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"

namespace lethe {

/// Bytes [begin, end) of a text that came from outside, and from which input.
struct TextMark {
  std::size_t begin = 0, end = 0;
  int source = 0;  ///< from 1

  bool operator==(const TextMark&) const = default;
};

/// Text put together from pieces; pieces from outside stay marked through cutting, joining and replacing, so that in
/// the end one can tell where an answer stands, and which bytes may not be taken for special tokens.
class MarkedText {
 public:
  MarkedText() = default;
  /// @param source  0: the template's own
  explicit MarkedText(std::string_view text, int source = 0) { append(text, source); }

  const std::string& text() const { return text_; }
  /// Ascending, apart, none empty; neighbours of the same source are one.
  const std::vector<TextMark>& marks() const { return marks_; }
  /// What {% generation %} blocks printed: bytes [begin, end), ascending and apart, one range a block.
  const std::vector<ByteRange>& generated() const { return generated_; }
  /// Makes the whole text one such block.
  void mark_generated();
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  /// 0 for the template's own bytes.
  int source_at(std::size_t byte) const;

  /// A text of more bytes than this is made of nothing but malice.
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
