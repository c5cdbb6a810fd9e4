// Where and in which type to compute.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

namespace lethe {

struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

/// @param device  auto | cpu | cuda | cuda:n; auto takes a GPU where the CUDA back end can be loaded and finds one
/// @param dtype   auto | float32 | bfloat16 | float16; auto is float32 on a CPU (16-bit arithmetic there is a thousand
///                times slower), bfloat16 on a GPU
/// @param threads 0: one a core
/// @throws Error (usage) for another word; Error (bad input) if cuda is asked for and there is none
Compute choose_compute(const std::string& device, const std::string& dtype, int threads);

/// The most that tensors have taken on the GPU that was chosen last, bytes; 0 without one.
std::uint64_t peak_device_bytes();

/// While this lives, the engine adds up in a fixed order on a GPU: a run done twice comes to the same bits. For single
/// operations that are known to have such a way; others would refuse.
class FixedOrder {
 public:
  FixedOrder();
  ~FixedOrder();
  FixedOrder(const FixedOrder&) = delete;

 private:
  bool before_, warned_, filled_;
};

/// A host tensor on its device. Nobody waits for what the device has still to do: the bytes are taken at once, and a
/// plain .to(device) would drain all work first.
at::Tensor to_device(const at::Tensor& host, at::Device device);

}  // namespace lethe
