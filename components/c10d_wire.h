// What the components that connect the ranks share (gloo.cpp, nccl.cpp): notes in a TCPStore of LibTorch's c10d, and
// the collectives of one of its process groups.
#pragma once

#include <c10/util/Logging.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "ranks/wire.h"

namespace lethe {

inline c10::intrusive_ptr<c10d::Store> connection(const RankPlace& place, bool as_server,
                                                  std::chrono::milliseconds limit) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = as_server;
  options.waitWorkers = false;
  options.timeout = limit;
  if (as_server && place.listening >= 0) options.masterListenFd = place.listening;
  const auto store = c10::make_intrusive<c10d::TCPStore>(place.host, options);
  return c10::make_intrusive<c10d::PrefixStore>("lethe/" + place.attempt, store);
}

/// The bytes of a collective in the host's memory.
struct HostTensors {
  at::Tensor in, out;  // in: undefined for `share`
};
inline HostTensors host_tensors(const RankPlace& place, Collective collective, const void* in, void* out,
                                std::size_t bytes) {
  const auto tensor = [&](const void* at, std::size_t pieces) {
    return at::from_blob(const_cast<void*>(at), {static_cast<std::int64_t>(pieces * bytes)}, at::kByte);
  };
  const auto all = static_cast<std::size_t>(place.size);
  if (collective == Collective::share) return {{}, tensor(out, 1)};
  return {tensor(in, collective == Collective::gather ? 1 : all), tensor(out, all)};
}

class C10dWire : public Wire {
 public:
  C10dWire(const RankPlace& place, std::chrono::milliseconds limit)
      : place_(place), meeting_(connection(place, place.hosts_store, limit)), notes_(connection(place, false, limit)) {
    // From here on rank 0 may be slow to answer, but is there.
    for (const auto& store : {meeting_, notes_}) store->setTimeout(std::chrono::minutes(5));
  }

  void set_note(const std::string& key, const std::string& text) override {
    notes_->set(key, std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  std::string note(const std::string& key) override {
    if (!notes_->check({key})) return "";
    const auto bytes = notes_->get(key);
    return {bytes.begin(), bytes.end()};
  }
  std::int64_t add(const std::string& key, std::int64_t amount) override { return notes_->add(key, amount); }

 protected:
  /// Begins a collective of `group`. Its tensors hold bytes, where the group computes.
  /// @param in  [n], for `exchange` [size·n]; `share`: is not read @param out  as Wire::start()
  c10::intrusive_ptr<c10d::Work> begin(c10d::Backend& group, Collective collective, at::Tensor in, at::Tensor out) {
    // A collective waits for the slowest rank; ranks/watch.h ends it.
    constexpr auto kLongest = std::chrono::hours(24 * 365);
    if (collective == Collective::gather) {
      c10d::AllgatherOptions options;
      options.timeout = kLongest;
      return group._allgather_base(out, in, options);
    }
    if (collective == Collective::exchange) {
      c10d::AllToAllOptions options;
      options.timeout = kLongest;
      std::vector<std::int64_t> equal;
      return group.alltoall_base(out, in, equal, equal, options);
    }
    c10d::BroadcastOptions options;
    options.timeout = kLongest;
    std::vector<at::Tensor> tensors = {out};
    return group.broadcast(tensors, options);
  }

  const RankPlace place_;
  c10::intrusive_ptr<c10d::Store> meeting_, notes_;  // a connection for each thread: a wait blocks the whole one
};

/// lethe_open_wire() of a component.
template <class Made>
Wire* open_c10d_wire(const RankPlace& place, int milliseconds, std::string& error) {
  try {
    // c10d logs each attempt to connect, and whole stacks.
    setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
    c10::initLogging();
    return new Made(place, std::chrono::milliseconds(milliseconds));
  } catch (const c10::Error& problem) {
    error = problem.what_without_backtrace();
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  return nullptr;
}

}  // namespace lethe
