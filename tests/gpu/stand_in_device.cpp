#include "gpu/stand_in_device.h"

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/strides.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace lethe {
namespace {

constexpr std::size_t kArena = std::size_t{8} << 30;  // of addresses; pages take memory when they are written
constexpr std::size_t kSmallest = 256;

thread_local int in_operator = 0;  // an operator that runs on the CPU copies its arguments
std::mutex guard;
StandInCounts counts;

// One file in memory, mapped twice: tensors get addresses that nobody can read, copies use the other ones.
class Memory : public c10::DeviceAllocator {
 public:
  Memory() {
    const int file = ::memfd_create("lethe_stand_in", 0);
    TORCH_CHECK(file >= 0 && ::ftruncate(file, kArena) == 0, "no memory for the stand-in device");
    const int flags = MAP_SHARED | MAP_NORESERVE;
    closed_ = static_cast<char*>(::mmap(nullptr, kArena, PROT_NONE, flags, file, 0));
    open_ = static_cast<char*>(::mmap(nullptr, kArena, PROT_READ | PROT_WRITE, flags, file, 0));
    ::close(file);
    TORCH_CHECK(closed_ != MAP_FAILED && open_ != MAP_FAILED, "no addresses for the stand-in device");
  }
  char* open(const void* address) const { return open_ + (static_cast<const char*>(address) - closed_); }

  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, kStandIn};
    const std::size_t size = std::bit_ceil(std::max(bytes, kSmallest));
    const std::lock_guard lock(guard);
    TORCH_CHECK_WITH(OutOfMemoryError, used_ + bytes <= limit_, "CUDA out of memory. Tried to allocate ", bytes,
                     " bytes. The stand-in device has a total capacity of ", limit_, " bytes. Later sentences.");
    std::vector<char*>& free = free_[size];
    if (free.empty()) {
      TORCH_CHECK_WITH(OutOfMemoryError, end_ + size <= kArena, "CUDA out of memory. The stand-in device is full");
      free.push_back(closed_ + end_);
      end_ += size;
    }
    char* const address = free.back();
    free.pop_back();
    sizes_[address] = bytes;
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return {address, address, &Memory::release, kStandIn};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Memory::release; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(open(to), open(from), count);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    const std::lock_guard lock(guard);
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0].current = stats.reserved_bytes[0].current = static_cast<std::int64_t>(used_);
    stats.allocated_bytes[0].peak = static_cast<std::int64_t>(peak_);
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override { peak_ = used_; }
  std::pair<std::size_t, std::size_t> getMemoryInfo(c10::DeviceIndex) override { return {limit_ - used_, limit_}; }

  std::size_t used_ = 0, peak_ = 0, limit_ = kArena;

 private:
  static void release(void* address);

  char *closed_, *open_;
  std::size_t end_ = 0;
  std::map<std::size_t, std::vector<char*>> free_;  // by size
  std::map<char*, std::size_t> sizes_;
};

Memory& memory() {
  static auto* const whole = new Memory;  // outlives all tensors
  return *whole;
}

void Memory::release(void* address) {
  const std::lock_guard lock(guard);
  Memory& all = memory();
  const auto found = all.sizes_.find(static_cast<char*>(address));
  all.used_ -= found->second;
  all.free_[std::bit_ceil(std::max(found->second, kSmallest))].push_back(found->first);
  all.sizes_.erase(found);
}

at::Tensor made(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type) {
  const std::size_t count = at::detail::computeStorageNbytes(sizes, strides, c10::elementSize(type));
  c10::Storage storage(c10::Storage::use_byte_size_t{}, count, memory().allocate(count), &memory(), true);
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::scalarTypeToTypeMeta(type));
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  return tensor;
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat>) {
  return made(sizes, c10::contiguous_strides(sizes), type.value_or(at::kFloat));
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return made(sizes, strides, type.value_or(at::kFloat));
}

// The same values through addresses that can be read.
at::Tensor on_host(const at::Tensor& t) {
  if (t.is_cpu() || t.numel() == 0) return t.is_cpu() ? t : at::empty(t.sizes(), t.scalar_type());
  char* const first = memory().open(t.storage().data()) + t.storage_offset() * static_cast<std::int64_t>(t.itemsize());
  return at::from_blob(first, t.sizes(), t.strides(), at::TensorOptions(t.scalar_type()));
}

at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  if (in_operator == 0) {
    const std::lock_guard lock(guard);
    if (from.is_cpu()) {
      ++counts.uploads;
      counts.waiting_uploads += non_blocking ? 0 : 1;
      counts.uploaded_bytes += static_cast<std::int64_t>(from.nbytes());
    }
    counts.downloads += to.is_cpu() ? 1 : 0;
  }
  if (to.numel() > 0) on_host(to).copy_(on_host(from));
  return to;
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  at::Tensor target = to;
  return copy(target, from, non_blocking);
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (to.sizes() != from.sizes()) {
    const at::Tensor fresh = made(from.sizes(), c10::contiguous_strides(from.sizes()), to.scalar_type());
    to.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
    to.unsafeGetTensorImpl()->set_sizes_contiguous(from.sizes());
  }
  return copy_from(from, to, false);
}

void run_on_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  if (operation.schema().name() == "aten::_local_scalar_dense" && in_operator == 0) {
    const std::lock_guard lock(guard);
    ++counts.downloads;
  }
  struct Depth {
    Depth() { ++in_operator; }
    ~Depth() { --in_operator; }
  } const depth;
  at::native::cpu_fallback(operation, stack);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("copy_", copy);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

// One device with one stream, so that nothing is ever waited for.
struct Guard : c10::impl::NoOpDeviceGuardImpl<at::kPrivateUse1> {
  c10::Device getDevice() const override { return kStandIn; }
  c10::Device exchangeDevice(c10::Device) const override { return kStandIn; }
  c10::Stream getStream(c10::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, kStandIn); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, kStandIn);
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
};

}  // namespace

void use_stand_in() {
  static const bool once = [] {  // the autograd engine wants both
    c10::register_privateuse1_backend("stand_in");
    at::RegisterPrivateUse1HooksInterface(new Hooks);
    return true;
  }();
  static_cast<void>(once);
  c10::SetAllocator(at::kPrivateUse1, &memory());
}

StandInCounts stand_in_counts() {
  const std::lock_guard lock(guard);
  return counts;
}

void reset_stand_in_counts() {
  const std::lock_guard lock(guard);
  counts = {};
}

void limit_stand_in(std::uint64_t bytes) {
  memory().limit_ = std::min<std::uint64_t>(bytes, kArena);
}

std::uint64_t stand_in_bytes() {
  return memory().used_;
}

std::uint64_t stand_in_peak() {
  return memory().peak_;
}

void reset_stand_in_peak() {
  memory().peak_ = memory().used_;
}

}  // namespace lethe
