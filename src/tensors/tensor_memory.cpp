#include "tensors/tensor_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "core/error.h"

namespace lethe {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLarge = std::size_t{64} << 10;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLimit = std::size_t{1} << 60;  // larger sizes would overflow below

/// Precedes a tensor's data, in kAlignment bytes.
struct Header {
  std::size_t block;  // mapped bytes; 0: from the C library
};
static_assert(sizeof(Header) <= kAlignment);

/// Sixteen sizes between two powers of two, in whole pages: wastes at most a sixteenth, and sizes stay few.
std::size_t rounded(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t step = std::max(std::bit_floor(bytes) / 16, page);
  return (bytes + step - 1) / step * step;
}

void* mapped(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (bytes >= 2 * kHugePage) {  // only huge pages entirely within the block, so none is wasted
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    const std::uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
    const std::uintptr_t last = (begin + bytes) / kHugePage * kHugePage;
    if (last > first) (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  }
  return memory;
}

class Blocks {
 public:
  /// @return a block, and its size in `bytes`; nullptr if there is no memory
  void* take(std::size_t& bytes) {
    const std::size_t wanted = rounded(bytes);
    const std::lock_guard lock(mutex_);
    const auto fit = by_size_.lower_bound({wanted, 0});
    void* memory = nullptr;
    if (fit != by_size_.end() && fit->first <= wanted * 2) {
      bytes = fit->first;
      memory = forget(fit->second);
    } else {
      bytes = wanted;
      while (now_.cached > 0 && now_.live + now_.cached + wanted > now_.peak) drop_oldest();
      memory = mapped(wanted);
      while (memory == nullptr && now_.cached > 0) {
        drop_oldest();
        memory = mapped(wanted);
      }
      if (memory == nullptr) return nullptr;
    }
    now_.live += bytes;
    now_.peak = std::max(now_.peak, now_.live);
    return memory;
  }
  void give_back(void* memory, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    now_.live -= bytes;
    now_.cached += bytes;
    by_size_.emplace(bytes, ++time_);
    by_time_.emplace(time_, Free{memory, bytes});
  }
  void release() {
    const std::lock_guard lock(mutex_);
    while (now_.cached > 0) drop_oldest();
  }
  TensorMemory now() {
    const std::lock_guard lock(mutex_);
    return now_;
  }

 private:
  struct Free {
    void* memory;
    std::size_t bytes;
  };
  void* forget(std::uint64_t time) {
    const auto found = by_time_.find(time);
    const Free block = found->second;
    by_time_.erase(found);
    by_size_.erase({block.bytes, time});
    now_.cached -= block.bytes;
    return block.memory;
  }
  void drop_oldest() {
    const std::size_t bytes = by_time_.begin()->second.bytes;
    ::munmap(forget(by_time_.begin()->first), bytes);
  }

  std::mutex mutex_;
  std::set<std::pair<std::size_t, std::uint64_t>> by_size_;  // (bytes, when it was freed)
  std::map<std::uint64_t, Free> by_time_;
  std::uint64_t time_ = 0;
  TensorMemory now_;
};

Blocks& blocks() {
  static auto* const all = new Blocks;  // never destroyed: tensors may outlive it at exit
  return *all;
}

void free_tensor(void* data) {
  if (data == nullptr) return;
  char* memory = static_cast<char*>(data) - kAlignment;
  const std::size_t block = reinterpret_cast<Header*>(memory)->block;
  if (block == 0) {
    std::free(memory);
  } else {
    blocks().give_back(memory, block);
  }
}

void* allocated(std::size_t bytes, std::size_t& block) {
  if (bytes > kLimit) return nullptr;
  block = 0;
#ifndef __SANITIZE_ADDRESS__  // AddressSanitizer sees no overflow within our blocks
  if (bytes >= kLarge) {
    block = bytes + kAlignment;
    return blocks().take(block);
  }
#endif
  void* memory = nullptr;
  return ::posix_memalign(&memory, kAlignment, bytes + kAlignment) == 0 ? memory : nullptr;
}

struct TensorAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &free_tensor, c10::Device(c10::kCPU)};
    std::size_t block = 0;
    void* memory = allocated(bytes, block);
    if (memory == nullptr) throw Error(kOutOfMemory).wanted(with_commas(bytes) + " bytes more").hint(kOutOfMemoryHint);
    new (memory) Header{block};
    void* data = static_cast<char*>(memory) + kAlignment;
    return {data, data, &free_tensor, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_tensor; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
};

}  // namespace

TensorMemory tensor_memory() {
  return blocks().now();
}

void release_tensor_memory() {
  blocks().release();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void use_tensor_memory() {
  static const bool done = [] {
    static auto* const allocator = new TensorAllocator;
    c10::SetCPUAllocator(allocator, /*priority=*/1);
    return true;
  }();
  (void)done;
}

}  // namespace lethe
