#include "tensors/device.h"

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>

#include "core/error.h"
#include "tensors/tensor_memory.h"

namespace lethe {
namespace {

// The program links only LibTorch's CPU part. This registers the CUDA back end if a driver is installed.
bool load_cuda() {
  static const bool loaded = [] {
    if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_GLOBAL) == nullptr) return false;
    return dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) != nullptr;
  }();
  return loaded && at::hasCUDA() && at::globalContext().getAcceleratorHooksInterface().deviceCount() > 0;
}

at::Device chosen_last = at::kCPU;

}  // namespace

Compute choose_compute(const std::string& device, ComputeType dtype, int threads) {
  use_tensor_memory();
  Compute compute;
  // More than any machine has cores. OpenMP ends the process if it cannot start its threads.
  constexpr int kMostThreads = 1024;
  if (threads < 0 || threads > kMostThreads)
    throw bad_usage("cannot use --threads " + std::to_string(threads)).wanted("0 to " + with_commas(kMostThreads));
  if (threads > 0) at::set_num_threads(threads);
  if (device != "auto" && device != "cpu" && device != "cuda" && !device.starts_with("cuda:")) {
    throw bad_usage("cannot use --device " + excerpt(device)).wanted("auto, cpu, cuda or cuda:n");
  }
  if (device == "auto") {
    if (load_cuda()) compute.device = at::kCUDA;
  } else if (device != "cpu") {
    if (!load_cuda()) {
      throw bad_input("cannot compute on " + excerpt(device))
          .wanted("a CUDA driver and libtorch_cuda.so beside libtorch_cpu.so")
          .found("none")
          .hint("--device cpu");
    }
    const std::string number = device == "cuda" ? "0" : device.substr(5);
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string::npos) {
      throw bad_usage("cannot use --device " + excerpt(device)).wanted("cuda:n");
    }
    compute.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(std::stoi(number)));
  }
  switch (dtype) {
    case ComputeType::automatic:
      compute.dtype = compute.device.is_cpu() ? at::kFloat : at::kBFloat16;
      break;
    case ComputeType::float32:
      compute.dtype = at::kFloat;
      break;
    case ComputeType::bfloat16:
      compute.dtype = at::kBFloat16;
      break;
    case ComputeType::float16:
      compute.dtype = at::kHalf;
      break;
  }
  chosen_last = compute.device;
  return compute;
}

std::uint64_t peak_device_bytes() {
  if (chosen_last.is_cpu()) return 0;
  const auto index = chosen_last.has_index() ? chosen_last.index() : c10::DeviceIndex{0};
  const auto stats = at::getDeviceAllocator(chosen_last.type())->getDeviceStats(index);
  return static_cast<std::uint64_t>(stats.allocated_bytes[0].peak);  // of all pools
}

FixedOrder::FixedOrder()
    : before_(at::globalContext().deterministicAlgorithms()),
      warned_(at::globalContext().deterministicAlgorithmsWarnOnly()),
      filled_(at::globalContext().deterministicFillUninitializedMemory()) {
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);  // the workspace is overwritten anyway
}

FixedOrder::~FixedOrder() {
  at::globalContext().setDeterministicAlgorithms(before_, warned_);
  at::globalContext().setDeterministicFillUninitializedMemory(filled_);
}

at::Tensor to_device(const at::Tensor& host, at::Device device) {
  // The driver reads up to 64 KiB at once. Larger copies avoid waiting only from pinned memory.
  const bool pinned = device.is_cuda() && host.is_cpu() && host.nbytes() > std::size_t{64} << 10;
  return (pinned ? host.pin_memory() : host).to(device, /*non_blocking=*/true);
}

}  // namespace lethe
