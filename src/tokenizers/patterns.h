// Many patterns looked for in a text at once.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lethe {

/// Finds the longest of many patterns that begins at each place of a text. Time and memory grow with the bytes of the
/// patterns and of the text, whatever they hold: a pattern of a megabyte costs no more than a megabyte of short ones.
/// Source: Aho and Corasick 1975, on the patterns and the text read backwards.
class Patterns {
 public:
  /// Of equal patterns the first counts. Not after finish().
  void add(std::string_view pattern, std::size_t token);
  /// Makes the automaton; before the first find_all().
  void finish();
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    std::size_t at, length, token;
  };
  /// For each place where some pattern begins the longest one, by place.
  std::vector<Match> find_all(std::string_view text) const;

 private:
  struct Node {
    std::uint32_t parent = 0, depth = 0;
    std::uint32_t shorter = 0;  ///< the node of the longest other beginning that this one ends with
    std::uint32_t longest = 0;  ///< the node of the longest pattern that ends here; 0: none does
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
