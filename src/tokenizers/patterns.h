// Searches a text for many patterns at once.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lethe {

/// Finds the longest pattern that begins at each position of a text. Time and memory are linear in the bytes of
/// patterns and text: a pattern of a megabyte costs no more than a megabyte of short ones. Source: Aho and Corasick
/// 1975, on the reversed patterns and text.
class Patterns {
 public:
  /// Of equal patterns the first counts. Do not call it after finish().
  void add(std::string_view pattern, std::size_t token);
  /// Builds the automaton. Call it before the first find_all().
  void finish();
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    std::size_t at, length, token;
  };
  /// The longest pattern at each position where one begins, by position.
  std::vector<Match> find_all(std::string_view text) const;

 private:
  struct Node {
    std::uint32_t parent = 0, depth = 0;
    std::uint32_t shorter = 0;  ///< the node of the longest other prefix that this one ends with
    std::uint32_t longest = 0;  ///< the node of the longest pattern that ends here; 0: none
    std::size_t token = 0;
    unsigned char byte = 0;
    bool ends = false;
  };
  std::uint32_t child(std::uint32_t node, unsigned char byte) const;
  std::uint32_t next(std::uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_{1};
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  // (node << 8 | byte)
  std::array<std::uint32_t, 256> first_{};                     // of the root
};

}  // namespace lethe
