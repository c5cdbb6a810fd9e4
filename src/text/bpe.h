// Byte-pair encoding: a piece of text into vocabulary ids by merging the pair of the lowest rank until none is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/json.h"

namespace lethe {

class Bpe {
 public:
  /// A token of a piece: `bytes` of its text, one after the other.
  struct Piece {
    int id;
    std::size_t bytes;
  };

  /// @param model  the "model" of a tokenizer.json: vocab, merges, unk_token, byte_fallback, fuse_unk, ignore_merges
  /// @throws Error (bad input) for a broken vocabulary or merge, or a setting that is not understood
  explicit Bpe(const Json& model);

  std::vector<Piece> encode(std::string_view text) const;
  std::optional<int> id(std::string_view token) const;
  /// "" where no token has this id.
  const std::string& token(int id) const;
  int size() const { return static_cast<int>(tokens_.size()); }

 private:
  struct Merge {
    std::uint32_t rank;
    int result;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void read_vocabulary(const Json& vocabulary);
  void read_merges(const Json& merges);
  std::vector<Piece> characters(std::string_view text) const;

  std::unordered_map<std::string, int, Hash, std::equal_to<>> ids_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::uint64_t, Merge> merges_;  // (left id << 32) | right id
  std::optional<int> unknown_;
  std::vector<int> byte_ids_;  // of "<0x00>" …, or empty
  bool fuse_unknown_ = false, ignore_merges_ = false;
};

}  // namespace lethe
