#include "nn/device.h"

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "core/error.h"

namespace lethe {
namespace {

// The program links the CPU part of the engine alone; this registers the CUDA back end where a driver is installed.
bool load_cuda() {
  static const bool loaded = [] {
    if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_GLOBAL) == nullptr) return false;
    return dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) != nullptr;
  }();
  return loaded && at::hasCUDA() && at::globalContext().getAcceleratorHooksInterface().deviceCount() > 0;
}

/// The engine's own allocator ends the process where it finds no memory.
struct ThrowingAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    constexpr std::size_t alignment = 64;
    void* memory = nullptr;
    if (bytes > 0 && ::posix_memalign(&memory, alignment, bytes) != 0) {
      throw Error("cannot go on: out of memory")
          .wanted(with_commas(bytes) + " bytes more")
          .hint("a smaller training.batch or --batch, tuning=lora, training.recompute=true, or a larger machine");
    }
    return {memory, memory, &std::free, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
};

void use_throwing_allocator() {
  static const bool done = [] {
    static ThrowingAllocator allocator;
    c10::SetCPUAllocator(&allocator, /*priority=*/1);
    return true;
  }();
  (void)done;
}

}  // namespace

Compute choose_compute(const std::string& device, const std::string& dtype, int threads) {
  use_throwing_allocator();
  Compute compute;
  if (threads < 0) throw bad_usage("cannot use --threads " + std::to_string(threads)).wanted("0 or more");
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
  if (dtype == "auto") {
    compute.dtype = compute.device.is_cpu() ? at::kFloat : at::kBFloat16;
  } else if (dtype == "float32") {
    compute.dtype = at::kFloat;
  } else if (dtype == "bfloat16") {
    compute.dtype = at::kBFloat16;
  } else if (dtype == "float16") {
    compute.dtype = at::kHalf;
  } else {
    throw bad_usage("cannot use --dtype " + excerpt(dtype)).wanted("auto, float32, bfloat16 or float16");
  }
  return compute;
}

}  // namespace lethe
