#include "text/added_tokens.h"

#include <algorithm>

#include "core/error.h"
#include "core/regex.h"

namespace lethe {
namespace {

bool begins_with_word(std::string_view text) {
  static const Regex pattern(R"(\A\w)");
  return pattern.found_in(text);
}
bool ends_with_word(std::string_view text) {
  static const Regex pattern(R"(\w\z)");
  return pattern.found_in(text);
}
std::size_t spaces_at_begin(std::string_view text) {
  static const Regex pattern(R"(\A\s+)");
  const auto found = pattern.matches(text);
  return found.empty() ? 0 : found.front().second;
}
std::size_t begin_of_spaces_at_end(std::string_view text) {
  static const Regex pattern(R"(\s+\z)");
  const auto found = pattern.matches(text);
  return found.empty() ? text.size() : found.front().first;
}

}  // namespace

AddedTokens::AddedTokens(const Json& list, const Normalizer& normalizer) {
  for (const Json& entry : list) {
    AddedToken token;
    token.content = component_string(entry, "content");
    const Json& id = component_key(entry, "id");
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 10'000'000) {
      throw bad_input("cannot read an added token")
          .with("token", excerpt(token.content))
          .wanted("an id")
          .found(excerpt(dump_json(id)));
    }
    token.id = id.get<int>();
    token.single_word = component_flag(entry, "single_word", false);
    token.lstrip = component_flag(entry, "lstrip", false);
    token.rstrip = component_flag(entry, "rstrip", false);
    token.special = component_flag(entry, "special", false);
    token.normalized = component_flag(entry, "normalized", !token.special);
    if (token.content.empty()) continue;
    highest_ = std::max(highest_, token.id);
    by_content_.emplace(token.content, tokens_.size());
    by_id_.emplace(token.id, tokens_.size());
    if (token.special) special_.insert(token.content);
    token.piece = token.content;
    if (token.normalized && normalizer) {
      NormalizedText text(token.content);
      normalizer(text);
      token.piece = text.text();
    }
    if (!token.piece.empty()) (token.normalized ? normalized_ : plain_).push_back({token.piece, tokens_.size()});
    tokens_.push_back(std::move(token));
  }
  // By first byte, then the longest first: the first that matches at a place is the one wanted.
  for (auto* patterns : {&plain_, &normalized_}) {
    std::stable_sort(patterns->begin(), patterns->end(), [](const Pattern& a, const Pattern& b) {
      return a.text[0] != b.text[0] ? a.text[0] < b.text[0] : a.text.size() > b.text.size();
    });
  }
}

const AddedTokens::Pattern* AddedTokens::longest_at(std::string_view text, std::size_t at,
                                                    const std::vector<Pattern>& patterns) const {
  const auto first = std::lower_bound(patterns.begin(), patterns.end(), text[at],
                                      [](const Pattern& pattern, char byte) { return pattern.text[0] < byte; });
  for (auto pattern = first; pattern != patterns.end() && pattern->text[0] == text[at]; ++pattern) {
    if (text.substr(at).starts_with(pattern->text)) return &*pattern;
  }
  return nullptr;
}

void AddedTokens::cut(NormalizedText piece, const std::vector<Pattern>& patterns, std::vector<Piece>& pieces) const {
  const std::string_view text = piece.text();
  std::size_t done = 0;
  const auto emit = [&](std::size_t begin, std::size_t end, int token) {
    if (begin < end) pieces.push_back({piece.slice(begin, end), token});
  };
  for (std::size_t at = 0; at < text.size() && !patterns.empty();) {
    const Pattern* match = longest_at(text, at, patterns);
    if (match == nullptr) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[match->token];
    std::size_t begin = at, end = at + match->text.size();
    at = end;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end)))) continue;
    if (token.lstrip) begin = std::max(begin_of_spaces_at_end(text.substr(0, begin)), done);
    if (token.rstrip) end += spaces_at_begin(text.substr(end));
    if (begin < done) continue;  // within white space that the token before has taken
    emit(done, begin, -1);
    emit(begin, end, token.id);
    done = end;
  }
  if (done == 0) {
    if (!piece.empty()) pieces.push_back({std::move(piece), -1});
  } else {
    emit(done, text.size(), -1);
  }
}

std::vector<AddedTokens::Piece> AddedTokens::extract(std::string_view text, const Normalizer& normalizer) const {
  std::vector<Piece> first, all;
  cut(NormalizedText(text), plain_, first);
  for (Piece& piece : first) {
    if (piece.token >= 0) {
      all.push_back(std::move(piece));
      continue;
    }
    if (normalizer) normalizer(piece.text);
    cut(std::move(piece.text), normalized_, all);
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
