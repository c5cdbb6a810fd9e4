// The device and the dtype of computation.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "tensors/dtype.h"

namespace lethe {

struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

/// @param device  auto | cpu | cuda | cuda:n; auto uses a GPU if the CUDA back end loads and finds one
/// @param dtype   automatic is float32 on a CPU (16-bit arithmetic there is a thousand times slower), bfloat16 on a GPU
/// @param threads 0: one per core
/// @throws Error (usage) for another device; Error (bad input) if cuda is requested and there is none
Compute choose_compute(const std::string& device, ComputeType dtype, int threads);

/// Peak tensor memory on the GPU that was chosen last, bytes; 0 without one.
std::uint64_t peak_device_bytes();

/// While it exists, LibTorch sums in a fixed order on a GPU, so that a repeated run gives the same bits. For single
/// operations that have a deterministic implementation; others throw.
class FixedOrder {
 public:
  FixedOrder();
  ~FixedOrder();
  FixedOrder(const FixedOrder&) = delete;

 private:
  bool before_, warned_, filled_;
};

/// Copies a host tensor to the device. The bytes are read at once, without waiting for the device's pending work; a
/// plain .to(device) would wait for it.
at::Tensor to_device(const at::Tensor& host, at::Device device);

}  // namespace lethe
