#include "tokenizers/added_tokens.h"

#include <algorithm>

#include "core/error.h"

namespace lethe {
namespace {

bool begins_with_word(std::string_view text) {
  std::size_t at = 0;
  return !text.empty() && is_word_character(next_character(text, at));
}
bool ends_with_word(std::string_view text) {
  std::size_t at = text.size();
  return !text.empty() && is_word_character(previous_character(text, at));
}
std::size_t spaces_at_begin(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size() && is_white_space(next_character(text, at));) end = at;
  return end;
}
// Stops at `from`, so that a long run of spaces is not read again for each token in it.
std::size_t begin_of_spaces_at_end(std::string_view text, std::size_t from) {
  std::size_t begin = text.size();
  for (std::size_t at = begin; at > from && is_white_space(previous_character(text, at));) begin = at;
  return begin;
}

// Limits the total growth; a single piece of a text may become long.
void check_growth(std::size_t bytes, std::size_t text) {
  if (bytes <= most_bytes_made_of(text)) return;
  throw bad_input("cannot tokenize: the tokenizer's rules make too much of a text")
      .wanted("at most " + with_commas(most_bytes_made_of(text)) + " bytes")
      .found("more");
}

bool touches(std::span<const ByteRange> ranges, const ByteRange& piece) {
  const auto range = std::upper_bound(ranges.begin(), ranges.end(), piece.first,
                                      [](std::size_t at, const ByteRange& candidate) { return at < candidate.second; });
  return range != ranges.end() && range->first < piece.second;
}

}  // namespace

AddedTokens::AddedTokens(const Json& list, const Vocabulary& vocabulary, const Normalizer& normalizer) {
  int next = static_cast<int>(vocabulary.count());
  for (const Json& entry : list) {
    AddedToken token;
    token.content = component_string(entry, "content");
    if (token.content.empty()) continue;
    const auto added = by_content_.find(token.content);
    const int known = added != by_content_.end() ? tokens_[added->second].id : vocabulary.find(token.content);
    token.id = known >= 0 ? known : next;
    next = std::max(next, token.id + 1);
    token.single_word = component_flag(entry, "single_word", false);
    token.lstrip = component_flag(entry, "lstrip", false);
    token.rstrip = component_flag(entry, "rstrip", false);
    token.special = component_flag(entry, "special", false);
    token.normalized = component_flag(entry, "normalized", !token.special);
    highest_ = std::max(highest_, token.id);
    by_content_[token.content] = tokens_.size();
    by_id_[token.id] = tokens_.size();
    if (token.special) special_.insert(token.content);
    token.piece = token.content;
    if (token.normalized && normalizer) {
      NormalizedText text(token.content);
      normalizer(text);
      token.piece = text.text();
    }
    (token.normalized ? normalized_ : plain_).add(token.piece, tokens_.size());
    tokens_.push_back(std::move(token));
  }
  plain_.finish();
  normalized_.finish();
}

void AddedTokens::cut(NormalizedText piece, const Patterns& patterns, std::span<const ByteRange> plain,
                      std::vector<Piece>& pieces) const {
  const std::string_view text = piece.text();
  std::size_t done = 0, at = 0, bytes = 0;
  bool found = false;
  const auto emit = [&](std::size_t begin, std::size_t end, int token) {
    if (begin >= end) return;
    bytes += end - begin;
    check_growth(bytes, text.size());
    pieces.push_back({piece.slice(begin, end), token});
  };
  for (const Patterns::Match& match : patterns.find_all(text)) {
    if (match.at < at) continue;
    const AddedToken& token = tokens_[match.token];
    std::size_t begin = match.at, end = match.at + match.length;
    if (token.special && touches(plain, piece.original(begin, end))) continue;
    at = end;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end)))) continue;
    if (token.lstrip) begin = std::max(begin_of_spaces_at_end(text.substr(0, begin), done), done);
    if (token.rstrip) end += spaces_at_begin(text.substr(end));
    // As in the library, a token of spaces within those stripped by the previous token covers them again, with what
    // follows it. Many such tokens each cover all spaces after them; the total is limited.
    if (done < begin) emit(done, begin, -1);
    emit(begin, end, token.id);
    done = end;
    found = true;
  }
  if (!found) {
    if (!piece.empty()) pieces.push_back({std::move(piece), -1});
  } else {
    emit(done, text.size(), -1);
  }
}

std::vector<AddedTokens::Piece> AddedTokens::extract(std::string_view text, const Normalizer& normalizer,
                                                     std::span<const ByteRange> plain) const {
  std::vector<Piece> first, all;
  std::size_t bytes = 0;
  cut(NormalizedText(text), plain_, plain, first);
  for (Piece& piece : first) {
    if (piece.token >= 0) {
      all.push_back(std::move(piece));
      continue;
    }
    if (normalizer) normalizer(piece.text);
    bytes += piece.text.text().size();
    check_growth(bytes, text.size());
    cut(std::move(piece.text), normalized_, plain, all);
  }
  return all;
}

std::optional<int> AddedTokens::id(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  if (found == by_content_.end()) return std::nullopt;
  return tokens_[found->second].id;
}

const AddedToken* AddedTokens::find(int id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

bool AddedTokens::is_special(int id) const {
  const AddedToken* token = find(id);
  return token != nullptr && special_.contains(token->content);
}

}  // namespace lethe
