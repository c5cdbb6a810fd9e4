// Threads that serve connections: as many as are needed at the same time, up to a limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace lethe {

/// A task takes the first idle thread, else a new one. Beyond the limit tasks wait in their order. A thread that has
/// had nothing to do for a while ends: each keeps a stack, and memory of the C library's allocator.
class ConnectionThreads {
 public:
  explicit ConnectionThreads(std::size_t most, std::chrono::milliseconds longest_idle = std::chrono::seconds(5))
      : most_(most), longest_idle_(longest_idle) {}
  ~ConnectionThreads();
  ConnectionThreads(const ConnectionThreads&) = delete;

  /// @throws std::system_error if there is no thread and none can be made
  void enqueue(std::function<void()> task);
  /// Runs what was enqueued, then ends the threads.
  void shutdown();
  /// How many there are.
  std::size_t count() const;

 private:
  using Threads = std::list<std::thread>;
  void join_ended();
  void work(Threads::iterator self);
  const std::size_t most_;
  const std::chrono::milliseconds longest_idle_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  Threads threads_, ended_;
};

}  // namespace lethe
