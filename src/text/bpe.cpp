#include "text/bpe.h"

#include <cstdio>
#include <queue>

#include "core/error.h"
#include "text/components.h"
#include "text/normalized_text.h"

namespace lethe {
namespace {

std::uint64_t pair_key(int left, int right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

void refuse_if_set(const Json& model, const char* key) {
  if (!model.contains(key)) return;
  const Json& value = model.at(key);
  const bool unset = value.is_null() || value == "" || value == 0.0 || value == false;
  if (!unset) {
    throw bad_input("cannot use this tokenizer.json")
        .with("model", std::string("BPE with ") + key)
        .found(excerpt(dump_json(value)));
  }
}

}  // namespace

Bpe::Bpe(const Json& model) {
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) refuse_if_set(model, key);
  read_vocabulary(component_key(model, "vocab"));
  read_merges(component_key(model, "merges"));
  fuse_unknown_ = component_flag(model, "fuse_unk", false);
  ignore_merges_ = component_flag(model, "ignore_merges", false);
  if (model.contains("unk_token") && model.at("unk_token").is_string())
    unknown_ = id(model.at("unk_token").get<std::string>());
  if (component_flag(model, "byte_fallback", false)) {
    for (int byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      byte_ids_.push_back(id(name).value_or(-1));
    }
  }
}

void Bpe::read_vocabulary(const Json& vocabulary) {
  if (!vocabulary.is_object()) throw bad_input("cannot read a BPE vocabulary").wanted("an object {token: id}");
  ids_.reserve(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 10'000'000) {
      throw bad_input("cannot read a BPE vocabulary")
          .with("token", excerpt(token))
          .wanted("an id")
          .found(excerpt(dump_json(id)));
    }
    const auto number = id.get<std::size_t>();
    if (number >= tokens_.size()) tokens_.resize(number + 1);
    tokens_[number] = token;
    ids_.emplace(token, static_cast<int>(number));
  }
}

void Bpe::read_merges(const Json& merges) {
  merges_.reserve(merges.size());
  std::uint32_t rank = 0;
  for (const Json& merge : merges) {
    std::string left, right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string()) {
      const auto text = merge.get<std::string>();
      const std::size_t space = text.find(' ');
      if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
        throw bad_input("cannot read a BPE merge").wanted("two tokens").found(excerpt(text));
      }
      left = text.substr(0, space);
      right = text.substr(space + 1);
    } else {
      throw bad_input("cannot read a BPE merge").wanted("two tokens").found(excerpt(dump_json(merge)));
    }
    const auto left_id = id(left), right_id = id(right), result = id(left + right);
    if (!left_id || !right_id || !result) {
      throw bad_input("cannot read a BPE merge")
          .with("merge", excerpt(left) + " " + excerpt(right))
          .wanted("both parts and the result in the vocabulary");
    }
    merges_[pair_key(*left_id, *right_id)] = {rank++, *result};
  }
}

std::optional<int> Bpe::id(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string& Bpe::token(int id) const {
  static const std::string none;
  return id >= 0 && id < size() ? tokens_[static_cast<std::size_t>(id)] : none;
}

// The single characters; those out of the vocabulary as their bytes' tokens, else as unknown.
std::vector<Bpe::Piece> Bpe::characters(std::string_view text) const {
  std::vector<Piece> pieces;
  std::optional<Piece> unknown;
  const auto flush = [&] {
    if (unknown) pieces.push_back(*unknown);
    unknown.reset();
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::min(character_length(text[at]), text.size() - at);
    const std::string_view character = text.substr(at, length);
    at += length;
    if (const auto found = id(character)) {
      flush();
      pieces.push_back({*found, length});
      continue;
    }
    if (!byte_ids_.empty()) {
      bool all = true;
      for (const char byte : character) all = all && byte_ids_[static_cast<unsigned char>(byte)] >= 0;
      if (all) {
        for (const char byte : character) pieces.push_back({byte_ids_[static_cast<unsigned char>(byte)], 1});
        continue;
      }
    }
    if (!unknown_) continue;
    if (unknown && fuse_unknown_) {
      unknown->bytes += length;
    } else {
      flush();
      unknown = Piece{*unknown_, length};
    }
  }
  flush();
  return pieces;
}

std::vector<Bpe::Piece> Bpe::encode(std::string_view text) const {
  if (ignore_merges_) {
    if (const auto whole = id(text)) return {{*whole, text.size()}};
  }
  std::vector<Piece> pieces = characters(text);
  const int count = static_cast<int>(pieces.size());
  // A linked list over `pieces`; an absorbed piece has no bytes left.
  std::vector<int> before(pieces.size()), after(pieces.size());
  struct Candidate {
    std::uint32_t rank;
    int at, result;
    bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int left, int right) {
    const auto found =
        merges_.find(pair_key(pieces[static_cast<std::size_t>(left)].id, pieces[static_cast<std::size_t>(right)].id));
    if (found != merges_.end()) queue.push({found->second.rank, left, found->second.result});
  };
  for (int i = 0; i < count; ++i) {
    before[static_cast<std::size_t>(i)] = i - 1;
    after[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
    if (i + 1 < count) consider(i, i + 1);
  }
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Piece& left = pieces[static_cast<std::size_t>(best.at)];
    const int right_at = after[static_cast<std::size_t>(best.at)];
    if (left.bytes == 0 || right_at < 0) continue;
    Piece& right = pieces[static_cast<std::size_t>(right_at)];
    const auto current = merges_.find(pair_key(left.id, right.id));
    if (current == merges_.end() || current->second.result != best.result) continue;  // overtaken by another merge
    left = {best.result, left.bytes + right.bytes};
    right.bytes = 0;
    const int next = after[static_cast<std::size_t>(right_at)], previous = before[static_cast<std::size_t>(best.at)];
    after[static_cast<std::size_t>(best.at)] = next;
    if (next >= 0) {
      before[static_cast<std::size_t>(next)] = best.at;
      consider(best.at, next);
    }
    if (previous >= 0) consider(previous, best.at);
  }
  std::erase_if(pieces, [](const Piece& piece) { return piece.bytes == 0; });
  return pieces;
}

}  // namespace lethe
