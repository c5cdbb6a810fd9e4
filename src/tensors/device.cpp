#include "tensors/device.h"

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "core/messages.h"
#include "tensors/tensor_memory.h"

namespace lethe {
namespace {

constexpr const char* kCudaOfEngine = "13.0";  // of the wheel in tools/engine.txt

// "… Kernel Module  580.159.03  Release Build …" -> "580.159.03"
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string word;
  for (int i = 0; i < 32 && file >> word; ++i) {
    if (word.find('.') != std::string::npos && word.find_first_not_of("0123456789.") == std::string::npos) return word;
  }
  return "";
}

std::string cuda_of_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return "";
  const auto version = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDriverGetVersion"));
  int number = 0;  // 12040
  if (version == nullptr || version(&number) != 0 || number <= 0) return "";
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

struct CudaFound {
  int devices = 0;
  std::string problem;  // of a machine with NVIDIA's driver
};

// The program links only LibTorch's CPU part. Loading libtorch_cuda.so registers the CUDA back end. LibTorch must not
// be asked for CUDA before, because it remembers the answer.
CudaFound find_cuda(const CudaSystem& cuda) {
  const std::string version = cuda.driver(), no_driver = cuda.load("libcuda.so.1");
  const std::string driver = version.empty() ? "" : " (driver " + version + ")";
  if (!no_driver.empty())
    return {0, version.empty() ? "" : "the driver's library does not load" + driver + ": " + excerpt(no_driver, 200)};
  if (const std::string failed = cuda.load("libtorch_cuda.so"); !failed.empty())
    return {0, "LibTorch's CUDA part does not load" + driver + ": " + excerpt(failed, 200) +
                   "; `make setup-cuda` installs what it needs"};
  const int devices = cuda.devices();
  if (devices > 0) return {devices, ""};
  const std::string supports = cuda.supports();
  return {0, "the engine finds no GPU that it can use" + driver +
                 (supports.empty() ? "" : "; the driver supports CUDA " + supports) + ", the engine needs " +
                 kCudaOfEngine};
}

at::Device chosen_last = at::kCPU;

at::DeviceIndex index_of(at::Device device) {
  return device.has_index() ? device.index() : at::DeviceIndex{0};
}

}  // namespace

const CudaSystem& this_machine() {
  static const CudaSystem system{
      .load = [](const char* library) -> std::string {
        if (dlopen(library, RTLD_LAZY | RTLD_GLOBAL) != nullptr) return "";
        const char* reason = dlerror();
        return reason != nullptr ? reason : "unknown reason";
      },
      .driver = driver_version,
      .supports = cuda_of_driver,
      .devices =
          [] {
            if (!at::hasCUDA()) return 0;
            return static_cast<int>(at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount());
          },
      .set_device = [](at::Device device) { c10::impl::VirtualGuardImpl(device.type()).setDevice(device); }};
  return system;
}

at::Device choose_device(const std::string& device, const CudaSystem& cuda) {
  if (device == "cpu") return at::kCPU;
  if (device != "auto" && device != "cuda" && !device.starts_with("cuda:"))
    throw bad_usage("cannot use --device " + excerpt(device)).wanted("auto, cpu, cuda or cuda:n");
  const std::string number = device.starts_with("cuda:") ? device.substr(5) : "0";
  if (number.empty() || number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos)
    throw bad_usage("cannot use --device " + excerpt(device)).wanted("cuda:n");
  const CudaFound found = find_cuda(cuda);
  if (found.devices == 0 && device == "auto") {
    if (!found.problem.empty()) warn("computing on the CPU: " + found.problem);
    return at::kCPU;
  }
  const Error cannot = bad_input("cannot compute on " + excerpt(device));
  if (found.devices == 0)
    throw Error(cannot)
        .wanted("a CUDA driver and libtorch_cuda.so beside libtorch_cpu.so")
        .found(found.problem.empty() ? "no NVIDIA driver" : found.problem)
        .hint("--device cpu");
  const int index = std::stoi(number);
  if (index >= found.devices)
    throw Error(cannot).wanted("a GPU from 0 to " + std::to_string(found.devices - 1)).found(std::to_string(index));
  const at::Device chosen(at::kCUDA, static_cast<at::DeviceIndex>(index));
  cuda.set_device(chosen);
  return chosen;
}

Compute choose_compute(const std::string& device, ComputeType dtype, int threads) {
  use_tensor_memory();
  Compute compute;
  // More than any machine has cores. OpenMP ends the process if it cannot start its threads.
  constexpr int kMostThreads = 1024;
  if (threads < 0 || threads > kMostThreads)
    throw bad_usage("cannot use --threads " + std::to_string(threads)).wanted("0 to " + with_commas(kMostThreads));
  if (threads > 0) at::set_num_threads(threads);
  // Later calls (a judge's model, a metric's) neither search nor warn again.
  static bool without_gpu = false;
  compute.device = device == "auto" && without_gpu ? at::Device(at::kCPU) : choose_device(device, this_machine());
  without_gpu |= device == "auto" && compute.device.is_cpu();
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
  auto* const allocator = at::getDeviceAllocator(chosen_last.type());
  if (!allocator->initialized()) return 0;  // nothing was computed
  return static_cast<std::uint64_t>(allocator->getDeviceStats(index_of(chosen_last)).allocated_bytes[0].peak);
}

std::uint64_t free_device_bytes(at::Device device) {
  auto* const allocator = at::getDeviceAllocator(device.type());
  if (!allocator->initialized()) at::globalContext().lazyInitDevice(device.type());
  const auto stats = allocator->getDeviceStats(index_of(device));  // [0]: of all pools
  const std::int64_t kept = stats.reserved_bytes[0].current - stats.allocated_bytes[0].current;
  return allocator->getMemoryInfo(index_of(device)).first + static_cast<std::uint64_t>(std::max<std::int64_t>(0, kept));
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
