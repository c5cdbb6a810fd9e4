// The tokens of a model and their ids.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace lethe {

class Vocabulary {
 public:
  Vocabulary() = default;
  /// @param tokens  an object {token: id}
  /// @throws Error (bad input) if it is not such an object
  explicit Vocabulary(const Json& tokens);

  /// A repeated token keeps its last id.
  void add(std::string token, int id);
  /// Reserves space for this many tokens.
  void reserve(std::size_t count);

  /// -1 if there is no such token.
  int find(std::string_view token) const;
  std::optional<int> id(std::string_view token) const;
  /// "" if no token has this id.
  const std::string& token(int id) const;
  /// One past the highest id.
  int size() const { return static_cast<int>(by_id_.size()); }
  /// The number of added tokens, including repeated ones.
  std::size_t count() const { return count_; }
  /// Bytes of the longest token.
  std::size_t longest() const { return longest_; }

 private:
  struct Entry {
    std::string token;
    int id;
  };
  std::size_t slot_of(std::string_view token) const;
  void rehash(std::size_t slots);

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // 1 + place in entries_; 0: free. A power of two of them, at most half full
  std::vector<std::uint32_t> by_id_;  // the same
  std::size_t longest_ = 0, count_ = 0;
};

/// Ids of "<0x00>" … "<0xFF>", -1 for those that are not in the vocabulary.
std::array<int, 256> byte_tokens(const Vocabulary& vocabulary);

}  // namespace lethe
