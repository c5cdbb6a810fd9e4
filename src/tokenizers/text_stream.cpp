#include "tokenizers/text_stream.h"

#include <span>

#include "core/utf8.h"

namespace lethe {
namespace {

constexpr std::string_view kUnfinished = "\xEF\xBF\xBD";  // decoders' output for bytes that are not (yet) a character
constexpr std::size_t kWindow = 64, kKept = 32;           // tokens, before and after the window moves
// A run of unfinished characters in a window becomes text only at its end. One that is longer than the runs of a window
// is no text: its beginning is shown, but for as many as the next character may need.
constexpr std::size_t kMostHeld = 128, kStillHeld = 8;

}  // namespace

std::string TextStream::decoded(std::size_t begin) const {
  return tokenizer_.decode(std::span(ids_).subspan(begin));
}

// Decodes the window again, since some decoders join or trim across tokens.
std::string TextStream::add(int id) {
  ids_.push_back(id);
  const std::string text = decoded(begin_);
  std::size_t end = text.size();
  while (end >= kUnfinished.size() && std::string_view(text).substr(0, end).ends_with(kUnfinished))
    end -= kUnfinished.size();
  const bool no_text = text.size() - end > kMostHeld * kUnfinished.size();
  if (no_text) end = text.size() - kStillHeld * kUnfinished.size();
  const std::string piece = advance(text, end);
  if (ids_.size() - begin_ > kWindow && (end == text.size() || no_text)) move_window(text);
  return piece;
}

std::string TextStream::finish() {
  const std::string text = decoded(begin_);
  return advance(text, text.size());
}

// Shown text cannot be withdrawn. If a decoder changes it, only the text after its length is new.
std::string TextStream::advance(const std::string& text, std::size_t end) {
  if (end <= shown_) return "";
  const std::string piece = valid_utf8(std::string_view(text).substr(shown_, end - shown_));
  shown_ = end;
  return piece;
}

// A decoder treats the first tokens in another way than the same ones further on (a space less, a part of a character).
// So a window begins only where its text is the end of the text so far, and has what such a rule may take: some text.
// Among as many beginnings as a character has bytes, one is between characters.
void TextStream::move_window(const std::string& text) {
  if (shown_ > text.size()) return;
  const std::size_t held = text.size() - shown_;
  for (std::size_t count = kKept; count < kKept + 4; ++count) {
    const std::size_t begin = ids_.size() - count;
    const std::string kept = decoded(begin);
    if (kept.size() <= held || !text.ends_with(kept)) continue;
    begin_ = begin;
    shown_ = kept.size() - held;
    return;
  }
}

}  // namespace lethe
