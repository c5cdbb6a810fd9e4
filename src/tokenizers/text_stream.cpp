#include "tokenizers/text_stream.h"

#include "core/utf8.h"

namespace lethe {
namespace {

constexpr std::string_view kUnfinished = "\xEF\xBF\xBD";  // decoders' output for bytes that are not (yet) a character

}  // namespace

// Decodes all tokens again, since some decoders join or trim across tokens. Answers are short.
std::string TextStream::add(int id) {
  ids_.push_back(id);
  const std::string text = tokenizer_.decode(ids_);
  std::size_t end = text.size();
  while (end >= kUnfinished.size() && std::string_view(text).substr(0, end).ends_with(kUnfinished))
    end -= kUnfinished.size();
  return advance(text, end);
}

std::string TextStream::finish() {
  const std::string text = tokenizer_.decode(ids_);
  return advance(text, text.size());
}

// Shown text cannot be withdrawn. If a decoder changes it, only the text after its length is new.
std::string TextStream::advance(const std::string& text, std::size_t end) {
  if (end <= shown_.size()) return "";
  const std::string piece = valid_utf8(std::string_view(text).substr(shown_.size(), end - shown_.size()));
  shown_ = text.substr(0, end);
  return piece;
}

}  // namespace lethe
