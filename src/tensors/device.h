// The device and the dtype of computation.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>

#include "tensors/dtype.h"

namespace lethe {

struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

/// What choosing a device needs of CUDA; a test replaces it.
struct CudaSystem {
  /// Loads a library. @return why that failed; empty if it did not
  std::function<std::string(const char* library)> load;
  std::function<std::string()> driver;         ///< its version, as NVIDIA's kernel module states it; empty without one
  std::function<std::string()> supports;       ///< the newest CUDA version of the driver, "12.4"; empty if unknown
  std::function<int()> devices;                ///< how many the engine can use, after loading
  std::function<void(at::Device)> set_device;  ///< makes a device the current one
};
const CudaSystem& this_machine();

/// The device that is requested, made the current one. If there is an NVIDIA driver but `auto` cannot use a GPU, it
/// warns and says why.
/// @param device  auto | cpu | cuda | cuda:n
/// @throws Error  as choose_compute()
at::Device choose_device(const std::string& device, const CudaSystem& cuda);

/// @param device  auto | cpu | cuda | cuda:n; auto uses a GPU if the CUDA back end loads and finds one
/// @param dtype   automatic is float32 on a CPU (on most, 16-bit arithmetic is a thousand times slower; trainings may
///                choose: runs/dtype_choice.h), bfloat16 on a GPU
/// @param threads 0: one per core
/// @throws Error (usage) for another device; Error (bad input) if cuda is requested and there is none
Compute choose_compute(const std::string& device, ComputeType dtype, int threads);

/// Peak tensor memory on the GPU that was chosen last, bytes; 0 without one.
std::uint64_t peak_device_bytes();
/// Memory that tensors on a GPU can still take: free on the device, or held by the engine's allocator without use.
/// @param device  not the CPU
std::uint64_t free_device_bytes(at::Device device);

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
