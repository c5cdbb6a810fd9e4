// Byte-pair encoding: encodes a piece of text by merging the pair of the lowest rank until none is left.
#include <algorithm>
#include <bit>
#include <queue>

#include "core/error.h"
#include "core/utf8.h"
#include "tokenizers/components.h"
#include "tokenizers/token_model.h"
#include "tokenizers/unicode.h"

namespace lethe {
namespace {

// Maps pairs of ids to their merge.
class Merges {
 public:
  struct Merge {
    std::uint32_t rank;
    int result;
  };

  void reserve(std::size_t count) { slots_.assign(std::bit_ceil(2 * count + 2), {kFree, {}}); }
  void add(int left, int right, Merge merge) {
    Slot& slot = slots_[slot_of(key(left, right))];
    slot = {key(left, right), merge};
  }
  const Merge* find(int left, int right) const {
    const Slot& slot = slots_[slot_of(key(left, right))];
    return slot.key == kFree ? nullptr : &slot.merge;
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key;
    Merge merge;
  };
  static std::uint64_t key(int left, int right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (key * 0x9E3779B97F4A7C15ULL >> 29) & mask;
    while (slots_[slot].key != kFree && slots_[slot].key != key) slot = (slot + 1) & mask;
    return slot;
  }
  std::vector<Slot> slots_{Slot{kFree, {}}, Slot{kFree, {}}};
};

struct Symbol {
  int id;
  std::uint32_t begin, end;  // bytes of the piece
};

// Above this number, symbols are merged with a queue. Below it, a scan of all symbols for each merge is faster.
constexpr std::size_t kFewSymbols = 24;

class Bpe : public TokenModel {
 public:
  explicit Bpe(const Json& model) : TokenModel(Vocabulary(component_key(model, "vocab"))) {
    if (model.contains("dropout") && !model.at("dropout").is_null() && model.at("dropout") != 0.0) {
      throw bad_input("cannot use this tokenizer.json")
          .with("model", "BPE with dropout")
          .wanted("one that is the same each time");
    }
    const auto optional_string = [&](const char* key) {
      return model.contains(key) && !model.at(key).is_null() ? component_affix(model, key) : std::string();
    };
    prefix_ = optional_string("continuing_subword_prefix");
    suffix_ = optional_string("end_of_word_suffix");
    fuse_unknown_ = component_flag(model, "fuse_unk", false);
    ignore_merges_ = component_flag(model, "ignore_merges", false);
    unknown_token_ = optional_string("unk_token");
    unknown_ = unknown_token_.empty() ? -1 : vocabulary_.find(unknown_token_);
    byte_fallback_ = component_flag(model, "byte_fallback", false);
    if (byte_fallback_) bytes_ = byte_tokens(vocabulary_);
    read_merges(component_key(model, "merges"));
    fill_characters();
  }

  void encode(std::string_view piece, std::vector<ModelToken>& tokens) const override {
    if (ignore_merges_) {
      if (const int whole = vocabulary_.find(piece); whole >= 0)
        return put({whole, 0, static_cast<std::uint32_t>(piece.size())}, tokens);
    }
    thread_local std::vector<Symbol> symbols;
    thread_local std::vector<char> open;  // whether a merge may join a symbol to the one before it
    symbols.clear();
    open.clear();
    split_characters(piece, symbols, open);
    for (std::size_t begin = 0; begin < symbols.size();) {
      std::size_t end = begin + 1;
      while (end < symbols.size() && open[end] != 0) ++end;
      merge(std::span<Symbol>(symbols).subspan(begin, end - begin), tokens);
      begin = end;
    }
  }

 private:
  void read_merges(const Json& merges);
  void fill_characters();
  void split_characters(std::string_view piece, std::vector<Symbol>& symbols, std::vector<char>& open) const;
  void merge(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const;
  void merge_few(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const;
  void merge_many(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const;
  int find_character(std::string_view character) const;

  void put(const Symbol& symbol, std::vector<ModelToken>& tokens) const {
    tokens.push_back({symbol.id, symbol.begin, symbol.end, vocabulary_.token(symbol.id)});
  }
  // Whether a merge has a left part that ends with the first byte and a right part that begins with the second.
  bool joins(char last, char first) const {
    const std::size_t bit =
        static_cast<std::size_t>(static_cast<unsigned char>(last)) << 8 | static_cast<unsigned char>(first);
    return (joins_[bit / 64] >> bit % 64 & 1) != 0;
  }

  Merges merges_;
  std::vector<std::uint64_t> joins_ = std::vector<std::uint64_t>(1 << 10);
  std::vector<int> characters_;  // ids of the characters below U+10000; -1: none
  std::string prefix_, suffix_, unknown_token_;
  int unknown_ = -1;
  std::array<int, 256> bytes_{};
  bool fuse_unknown_ = false, ignore_merges_ = false, byte_fallback_ = false;
};

void Bpe::read_merges(const Json& merges) {
  if (!merges.is_array()) throw bad_input("cannot read the BPE merges").wanted("an array");
  merges_.reserve(merges.size());
  std::uint32_t rank = 0;
  std::string whole;
  for (const Json& merge : merges) {
    std::string_view left, right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get_ref<const std::string&>();
      right = merge[1].get_ref<const std::string&>();
    } else if (merge.is_string()) {
      const std::string_view text = merge.get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
        throw bad_input("cannot read a BPE merge").wanted("two tokens").found(excerpt(text));
      }
      left = text.substr(0, space);
      right = text.substr(space + 1);
    } else {
      throw bad_input("cannot read a BPE merge").wanted("two tokens").found(excerpt(dump_json(merge)));
    }
    whole = left;
    if (right.size() >= prefix_.size()) whole += right.substr(prefix_.size());
    const int left_id = vocabulary_.find(left), right_id = vocabulary_.find(right), result = vocabulary_.find(whole);
    if (left_id < 0 || right_id < 0 || result < 0 || left.empty() || right.empty()) {
      throw bad_input("cannot read a BPE merge")
          .with("merge", excerpt(left) + " " + excerpt(right))
          .wanted("both parts and the result in the vocabulary");
    }
    const std::size_t bit = static_cast<std::size_t>(static_cast<unsigned char>(left.back())) << 8 |
                            static_cast<unsigned char>(right.front());
    joins_[bit / 64] |= std::uint64_t{1} << bit % 64;
    merges_.add(left_id, right_id, {rank++, result});
  }
}

void Bpe::fill_characters() {
  characters_.assign(0x10000, -1);
  for (int id = 0; id < vocabulary_.size(); ++id) {
    const std::string& token = vocabulary_.token(id);
    if (token.empty() || token.size() != character_length(token[0])) continue;
    std::size_t at = 0;
    const char32_t character = next_character(token, at);
    if (character < characters_.size()) characters_[character] = vocabulary_.find(token);
  }
}

int Bpe::find_character(std::string_view character) const {
  std::size_t at = 0;
  const char32_t number = next_character(character, at);
  return number < characters_.size() ? characters_[number] : vocabulary_.find(character);
}

// Splits into characters. Those outside the vocabulary become byte tokens, else the unknown token.
void Bpe::split_characters(std::string_view piece, std::vector<Symbol>& symbols, std::vector<char>& open) const {
  const bool marked = !prefix_.empty() || !suffix_.empty();
  std::optional<Symbol> unknown;
  std::string dressed;
  std::uint32_t place = 0;  // a character without a token takes no space: later offsets move up, as in `tokenizers`
  char last = 0;
  const auto add = [&](const Symbol& symbol, char first_byte, char last_byte) {
    symbols.push_back(symbol);
    open.push_back(marked || joins(last, first_byte) ? 1 : 0);
    last = last_byte;
    place = symbol.end;
  };
  const auto flush = [&] {
    if (!unknown) return;
    const std::uint32_t bytes = unknown->end - unknown->begin;
    add({unknown_, place, place + bytes}, unknown_token_.front(), unknown_token_.back());
    unknown.reset();
  };
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t length = std::min(character_length(piece[at]), piece.size() - at);
    std::string_view character = piece.substr(at, length);
    const auto bytes = static_cast<std::uint32_t>(length);
    int id = -1;
    if (marked) {
      dressed = at > 0 ? prefix_ : "";
      dressed += character;
      if (at + length == piece.size()) dressed += suffix_;
      character = dressed;
      id = vocabulary_.find(character);
    } else {
      id = find_character(character);
    }
    at += length;
    if (id >= 0) {
      flush();
      add({id, place, place + bytes}, character.front(), character.back());
      continue;
    }
    const auto token_of = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
    if (byte_fallback_ &&
        std::all_of(character.begin(), character.end(), [&](char byte) { return token_of(byte) >= 0; })) {
      for (const char byte : character) add({token_of(byte), place, place + 1}, '<', '>');
      continue;
    }
    if (unknown_token_.empty()) continue;
    if (unknown_ < 0)
      throw bad_input("cannot tokenize").with("text", excerpt(character)).wanted("the unk_token in the vocabulary");
    if (!fuse_unknown_) flush();
    if (unknown) {
      unknown->end += bytes;
    } else {
      unknown = Symbol{unknown_, 0, bytes};
    }
  }
  flush();
}

void Bpe::merge(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const {
  if (symbols.size() == 1) {
    put(symbols[0], tokens);
  } else if (symbols.size() <= kFewSymbols) {
    merge_few(symbols, tokens);
  } else {
    merge_many(symbols, tokens);
  }
}

void Bpe::merge_few(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const {
  constexpr Merges::Merge kNone{~std::uint32_t{0}, -1};
  std::array<Merges::Merge, kFewSymbols> next;  // merge of each symbol with the next one
  const auto look_up = [&](std::size_t left) {
    const Merges::Merge* found = merges_.find(symbols[left].id, symbols[left + 1].id);
    return found == nullptr ? kNone : *found;
  };
  std::size_t count = symbols.size();
  for (std::size_t i = 0; i + 1 < count; ++i) next[i] = look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (next[i].rank < next[best].rank) best = i;
    }
    if (next[best].result < 0) break;
    symbols[best] = {next[best].result, symbols[best].begin, symbols[best + 1].end};
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      next[i - 1] = next[i];
    }
    if (best > 0) next[best - 1] = look_up(best - 1);
    if (best + 1 < count) next[best] = look_up(best);
  }
  for (std::size_t i = 0; i < count; ++i) put(symbols[i], tokens);
}

void Bpe::merge_many(std::span<Symbol> symbols, std::vector<ModelToken>& tokens) const {
  const int count = static_cast<int>(symbols.size());
  // A linked list over the symbols; a merged one has no bytes left.
  std::vector<int> before(symbols.size()), after(symbols.size());
  std::vector<char> absorbed(symbols.size());
  struct Candidate {
    std::uint32_t rank;
    int at, result;
    bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  std::vector<Candidate> first;
  const auto look_up = [&](int left, int right) {
    return merges_.find(symbols[static_cast<std::size_t>(left)].id, symbols[static_cast<std::size_t>(right)].id);
  };
  for (int i = 0; i < count; ++i) {
    before[static_cast<std::size_t>(i)] = i - 1;
    after[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
    if (i + 1 == count) break;
    if (const auto* found = look_up(i, i + 1)) first.push_back({found->rank, i, found->result});
  }
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue(std::greater<>(), std::move(first));
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const auto place = static_cast<std::size_t>(best.at);
    const int right_at = after[place];
    if (absorbed[place] != 0 || right_at < 0) continue;
    const auto* current = look_up(best.at, right_at);
    if (current == nullptr || current->result != best.result) continue;  // superseded by another merge
    symbols[place] = {best.result, symbols[place].begin, symbols[static_cast<std::size_t>(right_at)].end};
    absorbed[static_cast<std::size_t>(right_at)] = 1;
    const int next = after[static_cast<std::size_t>(right_at)], previous = before[place];
    after[place] = next;
    if (next >= 0) {
      before[static_cast<std::size_t>(next)] = best.at;
      if (const auto* found = look_up(best.at, next)) queue.push({found->rank, best.at, found->result});
    }
    if (previous >= 0) {
      if (const auto* found = look_up(previous, best.at)) queue.push({found->rank, previous, found->result});
    }
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (absorbed[i] == 0) put(symbols[i], tokens);
  }
}

}  // namespace

std::unique_ptr<TokenModel> make_bpe(const Json& model) {
  return std::make_unique<Bpe>(model);
}

}  // namespace lethe
