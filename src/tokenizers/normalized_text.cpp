#include "tokenizers/normalized_text.h"

#include <algorithm>

#include "core/error.h"

namespace lethe {
namespace {

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

NormalizedText::Origin NormalizedText::origin(std::size_t at) const {
  if (!origin_.empty()) return origin_[at];
  std::size_t begin = at, end = at + 1;
  while (begin > 0 && continues_character(text_[begin])) --begin;
  while (end < text_.size() && continues_character(text_[end])) ++end;
  return {static_cast<std::uint32_t>(begin_ + begin), static_cast<std::uint32_t>(begin_ + end)};
}

ByteRange NormalizedText::original(std::size_t begin, std::size_t end) const {
  if (begin >= end) return {begin_ + begin, begin_ + begin};
  return {origin(begin).first, origin(end - 1).second};
}

NormalizedText NormalizedText::slice(std::size_t begin, std::size_t end) const {
  NormalizedText piece(std::string_view(text_).substr(begin, end - begin));
  piece.most_ = most_;
  if (!origin_.empty()) {
    piece.origin_.assign(origin_.begin() + static_cast<std::ptrdiff_t>(begin),
                         origin_.begin() + static_cast<std::ptrdiff_t>(end));
  }
  piece.begin_ = origin_.empty() ? begin_ + begin : begin < end ? origin_[begin].first : begin_;
  return piece;
}

void NormalizedText::Builder::keep(std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  text_.append(old_.text_, begin, end - begin);
  if (!old_.origin_.empty()) {
    origin_.insert(origin_.end(), old_.origin_.begin() + static_cast<std::ptrdiff_t>(begin),
                   old_.origin_.begin() + static_cast<std::ptrdiff_t>(end));
    return;
  }
  for (std::size_t at = begin; at < end;) {
    const std::size_t next = std::min(at + character_length(old_.text_[at]), end);
    origin_.insert(origin_.end(), next - at,
                   {static_cast<std::uint32_t>(old_.begin_ + at), static_cast<std::uint32_t>(old_.begin_ + next)});
    at = next;
  }
}

void NormalizedText::Builder::add(std::string_view bytes, std::size_t of) {
  if (text_.size() + bytes.size() > old_.most_) {
    throw bad_input("cannot tokenize: the tokenizer's rules make too much of a text")
        .wanted("at most " + with_commas(old_.most_) + " bytes")
        .found("more");
  }
  text_ += bytes;
  const auto begin = static_cast<std::uint32_t>(old_.begin_);
  origin_.insert(origin_.end(), bytes.size(), of < old_.text_.size() ? old_.origin(of) : Origin{begin, begin});
}

NormalizedText NormalizedText::Builder::done() && {
  NormalizedText result;
  result.text_ = std::move(text_);
  result.origin_ = std::move(origin_);
  result.begin_ = old_.begin_;
  result.most_ = old_.most_;
  return result;
}

void NormalizedText::prepend(std::string_view prefix) {
  if (text_.empty() || prefix.empty()) return;
  Builder builder(*this);
  builder.add(prefix, 0);
  builder.keep(0, text_.size());
  *this = std::move(builder).done();
}

void NormalizedText::replace(const std::vector<ByteRange>& ranges, std::string_view content) {
  if (ranges.empty()) return;
  Builder builder(*this);
  std::size_t at = 0;
  for (const auto& [begin, end] : ranges) {
    builder.keep(at, begin);
    builder.add(content, end - 1);  // at the end of the text for an empty range at its beginning
    at = end;
  }
  builder.keep(at, text_.size());
  *this = std::move(builder).done();
}

void NormalizedText::transform(std::span<const ChangedCharacter> characters, std::size_t removed_first) {
  Builder builder(*this);
  std::size_t at = 0;
  const auto pass = [&](std::size_t count) {
    for (; count > 0 && at < text_.size(); --count) at += character_length(text_[at]);
  };
  pass(removed_first);
  std::string bytes;
  for (const ChangedCharacter& each : characters) {
    bytes.clear();
    append_utf8(bytes, each.character);
    if (each.change > 0) {
      builder.add(bytes, at - 1);
      continue;
    }
    builder.add(bytes, at);
    pass(1 + static_cast<std::size_t>(-each.change));
  }
  *this = std::move(builder).done();
}

}  // namespace lethe
