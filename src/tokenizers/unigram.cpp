// Unigram: finds the segmentation of a piece with the highest sum of scores (Kudo 2018), by dynamic programming over
// its positions.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/utf8.h"
#include "tokenizers/byte_tree.h"
#include "tokenizers/components.h"
#include "tokenizers/token_model.h"

namespace lethe {
namespace {

constexpr double kUnknownPenalty = 10;  // below the lowest score of the vocabulary

// A score as the `tokenizers` library reads it. Its JSON reader divides an integer of all digits by a power of ten. The
// small rounding error can decide between equally good segmentations.
double score_as_read(double score) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), std::abs(score), std::chars_format::scientific).ptr;
  std::uint64_t digits = 0;
  int exponent = 0;
  const char* at = text.data();
  for (bool behind_point = false; at < end && *at != 'e'; ++at) {
    if (*at == '.') {
      behind_point = true;
      continue;
    }
    digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
    if (behind_point) --exponent;
  }
  int power = 0;
  if (at < end) std::from_chars(at + (at[1] == '+' ? 2 : 1), end, power);
  exponent += power;
  if (std::abs(exponent) > 300) return score;
  const double scale = std::pow(10.0, std::abs(exponent));
  const double value = exponent < 0 ? static_cast<double>(digits) / scale : static_cast<double>(digits) * scale;
  return std::signbit(score) ? -value : value;
}

class Unigram : public TokenModel {
 public:
  explicit Unigram(const Json& model) : TokenModel(Vocabulary()) {
    const Json& tokens = component_key(model, "vocab");
    if (!tokens.is_array()) throw bad_input("cannot read a Unigram vocabulary").wanted("an array of [token, score]");
    std::size_t bytes = 0;
    vocabulary_.reserve(tokens.size());
    scores_.reserve(tokens.size());
    for (const Json& entry : tokens) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
        throw bad_input("cannot read a Unigram vocabulary").wanted("[token, score]").found(excerpt(dump_json(entry)));
      }
      auto token = entry[0].get<std::string>();
      bytes += token.size();
      vocabulary_.add(std::move(token), static_cast<int>(scores_.size()));
      scores_.push_back(score_as_read(entry[1].get<double>()));
      lowest_ = std::min(lowest_, scores_.back());
    }
    fill_trie(bytes);
    if (model.contains("unk_id") && !model.at("unk_id").is_null()) {
      unknown_ = static_cast<int>(std::min<std::size_t>(component_count(model, "unk_id"), 1U << 30));
      if (unknown_ >= static_cast<int>(scores_.size())) refuse_component("model", {{"unk_id", unknown_}});
    }
    if (component_flag(model, "byte_fallback", false)) {
      bytes_ = byte_tokens(vocabulary_);
      byte_fallback_ = true;
    }
  }

  void encode(std::string_view piece, std::vector<ModelToken>& tokens) const override {
    thread_local std::vector<Step> best;
    find_best(piece, best);
    thread_local std::vector<std::pair<std::size_t, std::size_t>> parts;  // from the last to the first
    parts.clear();
    bool in_unknown = false;
    for (std::size_t end = piece.size(); end > 0; end = best[end].from) {
      const bool unknown = best[end].id == unknown_ && unknown_ >= 0;
      if (unknown && in_unknown) {
        parts.back().first = best[end].from;
      } else {
        parts.emplace_back(best[end].from, end);
      }
      in_unknown = unknown;
    }
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) emit(piece, part->first, part->second, tokens);
  }

 private:
  struct Step {
    double score = 0;
    std::size_t from = 0;
    int id = 0;
    bool reached = false;
  };

  void fill_trie(std::size_t bytes) {
    trie_.reserve(bytes);
    id_of_node_.assign(bytes + 1, -1);
    for (int id = 0; id < vocabulary_.size(); ++id) {
      std::uint32_t node = 0;
      const std::string& token = vocabulary_.token(id);
      for (const char byte : token) node = trie_.add(node, static_cast<unsigned char>(byte));
      if (!token.empty()) id_of_node_[node] = vocabulary_.find(token);
    }
  }

  void find_best(std::string_view piece, std::vector<Step>& best) const {
    best.assign(piece.size() + 1, {});
    std::size_t walked = 0;
    const auto offer = [&](std::size_t from, std::size_t to, int id, double score) {
      Step& step = best[to];
      if (step.reached && score <= step.score) return;
      step = {score, from, id, true};
    };
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t length = std::min(character_length(piece[at]), piece.size() - at);
      const double score = best[at].score;
      bool known = false;
      std::uint32_t node = 0;
      for (std::size_t end = at; end < piece.size();) {
        node = trie_.child(node, static_cast<unsigned char>(piece[end++]));
        if (node == 0) break;
        ++walked;
        const int id = id_of_node_[node];
        if (id < 0) continue;
        offer(at, end, id, scores_[static_cast<std::size_t>(id)] + score);
        known = known || end - at == length;
      }
      if (!known) offer(at, at + length, unknown_, lowest_ - kUnknownPenalty + score);
      at += length;
      if (walked > most_bytes_walked(piece.size())) refuse_long_walk(piece);
    }
  }

  void emit(std::string_view piece, std::size_t begin, std::size_t end, std::vector<ModelToken>& tokens) const {
    const std::string_view part = piece.substr(begin, end - begin);
    const auto put = [&](int id, std::string_view text) {
      tokens.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), text});
    };
    if (const int id = vocabulary_.find(part); id >= 0) return put(id, part);
    if (byte_fallback_) {
      const auto id_of = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
      if (std::all_of(part.begin(), part.end(), [&](char byte) { return id_of(byte) >= 0; })) {
        for (const char byte : part) put(id_of(byte), vocabulary_.token(id_of(byte)));
        return;
      }
    }
    if (unknown_ < 0) throw bad_input("cannot tokenize").with("text", excerpt(part)).wanted("an unk_id in the model");
    put(unknown_, part);
  }

  ByteTree trie_;
  std::vector<int> id_of_node_;  // -1: no token ends there
  std::vector<double> scores_;
  double lowest_ = std::numeric_limits<double>::infinity();
  int unknown_ = -1;
  std::array<int, 256> bytes_{};
  bool byte_fallback_ = false;
};

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const Json& model) {
  return std::make_unique<Unigram>(model);
}

}  // namespace lethe
