#include "text/normalized_text.h"

namespace lethe {

NormalizedText::NormalizedText(std::string_view original) : text_(original) {
  origin_.reserve(text_.size());
  for (std::size_t at = 0; at < text_.size();) {
    const std::size_t end = std::min(text_.size(), at + character_length(text_[at]));
    origin_.insert(origin_.end(), end - at, ByteRange{at, end});
    at = end;
  }
}

ByteRange NormalizedText::original(std::size_t begin, std::size_t end) const {
  if (begin >= end) return {begin_ + begin, begin_ + begin};
  return {origin_[begin].first, origin_[end - 1].second};
}

NormalizedText NormalizedText::slice(std::size_t begin, std::size_t end) const {
  NormalizedText piece;
  piece.text_ = text_.substr(begin, end - begin);
  piece.origin_.assign(origin_.begin() + static_cast<std::ptrdiff_t>(begin),
                       origin_.begin() + static_cast<std::ptrdiff_t>(end));
  piece.begin_ = begin < end ? origin_[begin].first : begin_;
  return piece;
}

void NormalizedText::prepend(std::string_view prefix) {
  if (text_.empty()) return;
  const ByteRange first = origin_.front();
  text_.insert(0, prefix);
  origin_.insert(origin_.begin(), prefix.size(), first);
}

void NormalizedText::replace(const std::vector<ByteRange>& ranges, std::string_view content) {
  std::string text;
  std::vector<ByteRange> origin;
  std::size_t at = 0;
  const auto keep = [&](std::size_t end) {
    text.append(text_, at, end - at);
    origin.insert(origin.end(), origin_.begin() + static_cast<std::ptrdiff_t>(at),
                  origin_.begin() + static_cast<std::ptrdiff_t>(end));
  };
  for (const auto& [begin, end] : ranges) {
    keep(begin);
    text.append(content);
    origin.insert(origin.end(), content.size(), end > 0 ? origin_[end - 1] : ByteRange{begin_, begin_});
    at = end;
  }
  keep(text_.size());
  text_ = std::move(text);
  origin_ = std::move(origin);
}

void NormalizedText::transform(const std::vector<ChangedCharacter>& characters) {
  std::string text;
  std::vector<ByteRange> origin;
  std::size_t at = 0;
  for (const ChangedCharacter& character : characters) {
    ByteRange from{begin_, begin_};
    if (!character.inserted) {
      from = origin_[at];
      at += character_length(text_[at]);
    } else if (at > 0) {
      from = origin_[at - 1];
    }
    text += character.bytes;
    origin.insert(origin.end(), character.bytes.size(), from);
  }
  text_ = std::move(text);
  origin_ = std::move(origin);
}

}  // namespace lethe
