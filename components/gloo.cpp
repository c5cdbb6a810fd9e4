// The optional component that connects the ranks: notes in a TCPStore, collectives by gloo, both of LibTorch's c10d.
//
// The wheel's libtorch_cpu.so holds gloo's code, but the wheel has not its headers; they come from Debian's
// libgloo-dev. The size below shows that both agree on the classes that c10d's header takes from them.
#define USE_C10D_GLOO
#include <c10/util/Logging.h>

#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "ranks/wire.h"

static_assert(sizeof(c10d::ProcessGroupGloo) == 488, "gloo's headers are not those that LibTorch was built with");

namespace {

using c10d::ProcessGroupGloo;
using std::chrono::milliseconds;

constexpr auto kLongest =
    std::chrono::hours(24 * 365);  // a collective waits for the slowest rank; ranks/watch.h ends it

c10::intrusive_ptr<c10d::Store> connection(const lethe::RankPlace& place, bool as_server, milliseconds limit) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = as_server;
  options.waitWorkers = false;
  options.timeout = limit;
  if (as_server && place.listening >= 0) options.masterListenFd = place.listening;
  const auto store = c10::make_intrusive<c10d::TCPStore>(place.host, options);
  return c10::make_intrusive<c10d::PrefixStore>("lethe/" + place.attempt, store);
}

std::shared_ptr<gloo::transport::Device> network(const lethe::RankPlace& place) {
  if (place.local) return ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");  // as in torch.distributed
  if (interface != nullptr && *interface != 0) return ProcessGroupGloo::createDeviceForInterface(interface);
  return ProcessGroupGloo::createDefaultDevice();
}

at::Tensor tensor_over(const void* bytes, std::size_t size) {
  return at::from_blob(const_cast<void*>(bytes), {static_cast<std::int64_t>(size)}, at::kByte);
}

class GlooWire : public lethe::Wire {
 public:
  GlooWire(const lethe::RankPlace& place, milliseconds limit)
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

  void connect(milliseconds limit) override {
    const auto options = ProcessGroupGloo::Options::create(limit);
    options->devices.push_back(network(place_));
    group_ = c10::make_intrusive<ProcessGroupGloo>(meeting_, place_.rank, place_.size, options);
  }

  void start(lethe::Collective collective, const void* in, void* out, std::size_t bytes) override {
    const auto size = static_cast<std::size_t>(place_.size);
    at::Tensor result;
    switch (collective) {
      case lethe::Collective::gather: {
        c10d::AllgatherOptions options;
        options.timeout = kLongest;
        result = tensor_over(out, size * bytes);
        at::Tensor mine = tensor_over(in, bytes);
        work_ = group_->_allgather_base(result, mine, options);
        break;
      }
      case lethe::Collective::exchange: {
        c10d::AllToAllOptions options;
        options.timeout = kLongest;
        result = tensor_over(out, size * bytes);
        at::Tensor pieces = tensor_over(in, size * bytes);
        std::vector<std::int64_t> equal;
        work_ = group_->alltoall_base(result, pieces, equal, equal, options);
        break;
      }
      case lethe::Collective::share: {
        c10d::BroadcastOptions options;
        options.timeout = kLongest;
        std::vector<at::Tensor> tensors = {tensor_over(out, bytes)};
        work_ = group_->broadcast(tensors, options);
        break;
      }
    }
  }

  bool done(milliseconds limit) override {
    try {
      if (!work_->isCompleted()) work_->wait(limit);
    } catch (const std::exception&) {  // too late, or failed
    }
    if (!work_->isCompleted()) return false;
    if (const auto failure = work_->exception()) std::rethrow_exception(failure);
    work_.reset();
    return true;
  }

 private:
  const lethe::RankPlace place_;
  c10::intrusive_ptr<c10d::Store> meeting_, notes_;  // a connection for each thread: a wait blocks the whole one
  c10::intrusive_ptr<ProcessGroupGloo> group_;
  c10::intrusive_ptr<c10d::Work> work_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) int lethe_wire_version() {
  return lethe::kWireVersion;
}

extern "C" __attribute__((visibility("default"))) lethe::Wire* lethe_open_wire(const lethe::RankPlace& place,
                                                                               int milliseconds, std::string& error) {
  try {
    // c10d logs each attempt to connect, and whole stacks.
    setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
    c10::initLogging();
    return new GlooWire(place, std::chrono::milliseconds(milliseconds));
  } catch (const c10::Error& problem) {
    error = problem.what_without_backtrace();
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  return nullptr;
}
