#include "tensors/memory_peak.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "core/terminal.h"
#include "tensors/tensor_memory.h"

namespace lethe {

MemoryPeak::MemoryPeak()
    : watcher_([this](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        do {
          look();
        } while (!wake.wait_for(lock, stop, std::chrono::milliseconds(20), [&] { return stop.stop_requested(); }));
      }) {}

MemoryPeak::~MemoryPeak() = default;

std::uint64_t MemoryPeak::bytes() const {
  return most_;
}

void MemoryPeak::look() {
  const std::uint64_t kept = tensor_memory().cached, resident = resident_bytes();
  const std::uint64_t used = resident > kept ? resident - kept : 0;
  if (used > most_) most_ = used;
}

}  // namespace lethe
