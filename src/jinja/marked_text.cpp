#include "jinja/marked_text.h"

#include <algorithm>

#include "core/error.h"

namespace lethe {

int MarkedText::source_at(std::size_t byte) const {
  const auto mark = std::upper_bound(marks_.begin(), marks_.end(), byte,
                                     [](std::size_t at, const TextMark& candidate) { return at < candidate.end; });
  return mark != marks_.end() && mark->begin <= byte ? mark->source : 0;
}

void MarkedText::make_room(std::size_t bytes) const {
  if (bytes > kMostBytes || text_.size() > kMostBytes - bytes)
    throw bad_input("cannot make a text of more than " + with_commas(kMostBytes) + " bytes");
}

void MarkedText::append(std::string_view text, int source) {
  if (text.empty()) return;
  make_room(text.size());
  const std::size_t begin = text_.size();
  text_.append(text);
  if (source == 0) return;
  if (!marks_.empty() && marks_.back().end == begin && marks_.back().source == source) {
    marks_.back().end = text_.size();
  } else {
    marks_.push_back({begin, text_.size(), source});
  }
}

void MarkedText::append(const MarkedText& other) {
  make_room(other.text_.size());
  const std::size_t shift = text_.size();
  text_ += other.text_;
  for (const TextMark& mark : other.marks_) {
    if (!marks_.empty() && marks_.back().end == mark.begin + shift && marks_.back().source == mark.source) {
      marks_.back().end = mark.end + shift;
    } else {
      marks_.push_back({mark.begin + shift, mark.end + shift, mark.source});
    }
  }
  for (const auto& [begin, end] : other.generated_) generated_.emplace_back(begin + shift, end + shift);
}

void MarkedText::mark_generated() {
  generated_.clear();
  if (!text_.empty()) generated_.emplace_back(0, text_.size());
}

MarkedText MarkedText::slice(std::size_t begin, std::size_t end) const {
  MarkedText piece;
  piece.text_ = text_.substr(begin, end - begin);
  auto mark = std::upper_bound(marks_.begin(), marks_.end(), begin,
                               [](std::size_t at, const TextMark& candidate) { return at < candidate.end; });
  for (; mark != marks_.end() && mark->begin < end; ++mark) {
    const std::size_t from = std::max(mark->begin, begin), to = std::min(mark->end, end);
    if (from < to) piece.marks_.push_back({from - begin, to - begin, mark->source});
  }
  auto block = std::upper_bound(generated_.begin(), generated_.end(), begin,
                                [](std::size_t at, const ByteRange& candidate) { return at < candidate.second; });
  for (; block != generated_.end() && block->first < end; ++block) {
    const std::size_t from = std::max(block->first, begin), to = std::min(block->second, end);
    if (from < to) piece.generated_.emplace_back(from - begin, to - begin);
  }
  return piece;
}

}  // namespace lethe
