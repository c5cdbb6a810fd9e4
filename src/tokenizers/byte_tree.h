// A tree of bytes in one hash table: (node, byte) to node.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace lethe {

/// Limit on the tree steps for a text of this many bytes. Real vocabularies have no token of 500 bytes; a hostile one
/// could cause a walk from each position to the end of the text.
constexpr std::size_t most_bytes_walked(std::size_t bytes) {
  return 100'000 + 500 * bytes;
}

class ByteTree {
 public:
  /// Reserves space for this many nodes. Call it before the first add().
  void reserve(std::size_t nodes) { slots_.assign(std::bit_ceil(2 * nodes + 16), {}); }

  /// 0: there is none.
  std::uint32_t child(std::uint32_t node, unsigned char byte) const { return slots_[slot_of(key(node, byte))].node; }

  std::uint32_t add(std::uint32_t node, unsigned char byte) {
    Slot& slot = slots_[slot_of(key(node, byte))];
    if (slot.node == 0) slot = {key(node, byte), ++last_};
    return slot.node;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t node = 0;  // 0: free (the root is never a child)
  };
  static std::uint64_t key(std::uint32_t node, unsigned char byte) {
    return static_cast<std::uint64_t>(node) << 8 | byte;
  }
  std::size_t slot_of(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (key * 0x9E3779B97F4A7C15ULL >> 20) & mask;
    while (slots_[slot].node != 0 && slots_[slot].key != key) slot = (slot + 1) & mask;
    return slot;
  }

  std::vector<Slot> slots_;
  std::uint32_t last_ = 0;
};

}  // namespace lethe
