// Keeps connections until their request has come, so that a client that sends nothing holds no thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "core/descriptor.h"

namespace lethe {

struct DoorkeeperOptions {
  double longest_head = 10;                             ///< seconds until request line and headers are there (else 408)
  std::size_t most_head_bytes = std::size_t{32} << 10;  ///< of them (else 431)
  std::size_t most_waiting = 1024;                      ///< connections; then the one that came first is closed
};

/// One thread watches all connections. Reads nothing: whoever serves a connection reads it from the beginning.
class Doorkeeper {
 public:
  /// @param let_in  called with a socket whose headers are complete; owns it from then on. Must not block
  Doorkeeper(const DoorkeeperOptions& options, std::function<void(int)> let_in);
  /// As stop().
  ~Doorkeeper();
  Doorkeeper(const Doorkeeper&) = delete;

  /// Takes the ownership of a socket.
  void add(int socket);
  /// Closes the connections that still wait. What is added later is closed at once.
  void stop();

 private:
  struct Waiting {
    int socket;
    std::chrono::steady_clock::time_point until;
  };
  void work();
  void look_at(int socket, bool ended);
  void refuse_late_ones();
  bool take(int socket);

  const DoorkeeperOptions options_;
  const std::function<void(int)> let_in_;
  const Descriptor events_;  // epoll
  std::mutex mutex_;
  std::list<Waiting> waiting_;  // in the order in which they came
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace lethe
