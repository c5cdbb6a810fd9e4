// The most memory that a part of a program's work uses.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace lethe {

/// Watches the memory of this process from its construction on, fifty times a second. Peaks between two looks are
/// missed, which a part of several seconds hardly has.
class MemoryPeak {
 public:
  MemoryPeak();
  ~MemoryPeak();
  MemoryPeak(const MemoryPeak&) = delete;

  /// Bytes: resident, without the freed blocks that the tensors' allocator keeps for reuse. Host memory only.
  std::uint64_t bytes() const;

 private:
  void look();

  std::atomic<std::uint64_t> most_ = 0;
  std::jthread watcher_;
};

}  // namespace lethe
