#include "tokenizers/patterns.h"

#include <algorithm>
#include <numeric>

namespace lethe {

std::uint32_t Patterns::child(std::uint32_t node, unsigned char byte) const {
  if (node == 0) return first_[byte];
  const auto found = children_.find(static_cast<std::uint64_t>(node) << 8 | byte);
  return found == children_.end() ? 0 : found->second;
}

void Patterns::add(std::string_view pattern, std::size_t token) {
  if (pattern.empty()) return;
  std::uint32_t node = 0;
  for (auto at = pattern.rbegin(); at != pattern.rend(); ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    std::uint32_t next = child(node, byte);
    if (next == 0) {
      next = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({.parent = node, .depth = nodes_[node].depth + 1, .byte = byte});
      (node == 0 ? first_[byte] : children_[static_cast<std::uint64_t>(node) << 8 | byte]) = next;
    }
    node = next;
  }
  if (nodes_[node].ends) return;
  nodes_[node].ends = true;
  nodes_[node].token = token;
}

std::uint32_t Patterns::next(std::uint32_t node, unsigned char byte) const {
  while (true) {
    const std::uint32_t found = child(node, byte);
    if (found != 0 || node == 0) return found;
    node = nodes_[node].shorter;
  }
}

void Patterns::finish() {
  std::vector<std::uint32_t> order(nodes_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return nodes_[a].depth < nodes_[b].depth; });
  for (const std::uint32_t place : order) {
    if (place == 0) continue;
    Node& node = nodes_[place];
    node.shorter = node.parent == 0 ? 0 : next(nodes_[node.parent].shorter, node.byte);
    node.longest = node.ends ? place : nodes_[node.shorter].longest;
  }
}

std::vector<Patterns::Match> Patterns::find_all(std::string_view text) const {
  std::vector<Match> matches;
  if (empty()) return matches;
  std::uint32_t node = 0;
  for (std::size_t at = text.size(); at-- > 0;) {
    node = next(node, static_cast<unsigned char>(text[at]));
    if (node == 0) continue;
    const Node& longest = nodes_[nodes_[node].longest];
    if (longest.ends) matches.push_back({at, longest.depth, longest.token});
  }
  std::reverse(matches.begin(), matches.end());
  return matches;
}

}  // namespace lethe
