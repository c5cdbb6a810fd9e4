#include "text/normalized_text.h"

namespace lethe {

std::size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0xC0) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

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

std::string valid_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    if (lead < 0x80) {
      result += bytes[at++];
      continue;
    }
    // The second byte's range depends on the first: no overlong forms, no surrogates, nothing beyond U+10FFFF.
    const std::size_t length = lead >= 0xC2 && lead <= 0xF4 ? character_length(bytes[at]) : 1;
    unsigned char low = 0x80, high = 0xBF;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
    std::size_t good = 1;
    while (good < length && at + good < bytes.size()) {
      const auto next = static_cast<unsigned char>(bytes[at + good]);
      if (next < low || next > high) break;
      low = 0x80;
      high = 0xBF;
      ++good;
    }
    if (length > 1 && good == length) {
      result.append(bytes.substr(at, length));
    } else {
      result += "\xEF\xBF\xBD";
    }
    at += good;
  }
  return result;
}

}  // namespace lethe
