// The peak of a part of the work, also after a part that needed more.
#include "tensors/memory_peak.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tensors/tensor_memory.h"

namespace lethe {
namespace {

#ifndef __SANITIZE_ADDRESS__  // our allocator gives way to AddressSanitizer's, which keeps freed memory

std::uint64_t peak_of(std::int64_t megabytes) {
  const MemoryPeak peak;
  {
    const at::Tensor tensor = at::ones({megabytes << 18});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return peak.bytes();
}

TEST(MemoryPeak, IsThatOfItsOwnPartOfTheWork) {
  use_tensor_memory();
  constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
  const std::uint64_t large = peak_of(200), small = peak_of(20);  // whose freed block the allocator keeps
  EXPECT_GT(large, small + 150 * kMegabyte);
  EXPECT_LT(large, small + 230 * kMegabyte);
}

#endif

}  // namespace
}  // namespace lethe
