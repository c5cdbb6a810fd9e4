// Transitive groups of indices: a union-find.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace lethe {

class Groups {
 public:
  explicit Groups(std::size_t count = 0) : parent_(count) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  /// Adds an index in a group of its own.
  void add() { parent_.push_back(parent_.size()); }
  /// The first index of the group of i, which represents it.
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace lethe
