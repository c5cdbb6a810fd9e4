#include "tokenizers/splitting.h"

#include <algorithm>

namespace lethe {
namespace {

struct Stretch {
  ByteRange range;
  bool is_match;
};

void stretches(std::size_t size, const std::vector<ByteRange>& matches, bool invert, std::vector<Stretch>& all) {
  all.clear();
  std::size_t at = 0;
  for (const ByteRange& match : matches) {
    if (at != match.first) all.push_back({{at, match.first}, invert});
    all.push_back({match, !invert});
    at = match.second;
  }
  if (at < size) all.push_back({{at, size}, invert});
}

// Joins each match to its neighbour before it (in the order given), unless that neighbour ends in a match itself.
void join_matches(const std::vector<Stretch>& all, bool backwards, std::vector<ByteRange>& result) {
  bool after_match = false;
  for (const Stretch& stretch : all) {
    if (stretch.is_match && !after_match && !result.empty()) {
      (backwards ? result.back().first : result.back().second) = backwards ? stretch.range.first : stretch.range.second;
    } else {
      result.push_back(stretch.range);
    }
    after_match = stretch.is_match;
  }
}

void chosen_ranges(std::vector<Stretch>& all, Delimiter delimiter, std::vector<ByteRange>& ranges) {
  ranges.clear();
  if (delimiter == Delimiter::merged_with_previous) {
    join_matches(all, false, ranges);
  } else if (delimiter == Delimiter::merged_with_next) {
    std::reverse(all.begin(), all.end());
    join_matches(all, true, ranges);
    std::reverse(ranges.begin(), ranges.end());
  } else {
    bool after_match = false;
    for (const Stretch& stretch : all) {
      if (delimiter == Delimiter::removed && stretch.is_match) continue;
      if (delimiter == Delimiter::contiguous && !ranges.empty() && stretch.is_match == after_match) {
        ranges.back().second = stretch.range.second;
      } else {
        ranges.push_back(stretch.range);
      }
      after_match = stretch.is_match;
    }
  }
}

}  // namespace

Delimiter delimiter_named(const std::string& name, const Json& part) {
  if (name == "Removed") return Delimiter::removed;
  if (name == "Isolated") return Delimiter::isolated;
  if (name == "MergedWithPrevious") return Delimiter::merged_with_previous;
  if (name == "MergedWithNext") return Delimiter::merged_with_next;
  if (name == "Contiguous") return Delimiter::contiguous;
  refuse_component("pre-tokenizer", part);
}

void cut(CutText& text, const Finder& find, Delimiter delimiter, bool invert) {
  std::vector<ByteRange> pieces, matches, ranges;
  std::vector<Stretch> all;
  const std::string_view whole = text.text.text();
  for (const auto& [begin, end] : text.pieces) {
    find(whole.substr(begin, end - begin), matches);
    stretches(end - begin, matches, invert, all);
    chosen_ranges(all, delimiter, ranges);
    for (const auto& [from, to] : ranges) {
      if (from < to) pieces.emplace_back(begin + from, begin + to);
    }
  }
  text.pieces = std::move(pieces);
}

Finder find_characters(bool (*wanted)(char32_t)) {
  return [wanted](std::string_view text, std::vector<ByteRange>& found) {
    found.clear();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      if (wanted(next_character(text, at))) found.emplace_back(begin, at);
    }
  };
}

}  // namespace lethe
