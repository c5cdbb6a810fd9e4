// A GPU made of host memory: LibTorch's PrivateUse1 device, on which the tests of this folder run where there is no
// GPU. Operators run on the CPU. As on a GPU, code that reads a tensor's memory directly ends the process, and copies
// between host and device can be counted and must be requested.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace lethe {

inline const at::Device kStandIn(at::kPrivateUse1, 0);

/// Copies since the last reset, and memory. Those that an operator makes to run on the CPU are not counted.
struct StandInCounts {
  std::int64_t uploads = 0;          ///< from the host
  std::int64_t waiting_uploads = 0;  ///< of these, without non_blocking: they wait for the device's pending work
  std::int64_t uploaded_bytes = 0;
  std::int64_t downloads = 0;  ///< to the host, and single values that are read: each waits
};
/// Registers the device. May be called again.
void use_stand_in();
StandInCounts stand_in_counts();
void reset_stand_in_counts();
/// Bytes that tensors may take; more throws c10::OutOfMemoryError.
void limit_stand_in(std::uint64_t bytes);
std::uint64_t stand_in_bytes();
std::uint64_t stand_in_peak();
/// Makes the current use the peak.
void reset_stand_in_peak();

}  // namespace lethe
