// The optional component that connects the ranks on CPUs: collectives by gloo.
//
// The wheel's libtorch_cpu.so holds gloo's code, but the wheel has not its headers; they come from Debian's
// libgloo-dev. The size below shows that both agree on the classes that c10d's header takes from them.
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "c10d_wire.h"

static_assert(sizeof(c10d::ProcessGroupGloo) == 488, "gloo's headers are not those that LibTorch was built with");

namespace {

using c10d::ProcessGroupGloo;
using std::chrono::milliseconds;

std::shared_ptr<gloo::transport::Device> network(const lethe::RankPlace& place) {
  if (place.local) return ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");  // as in torch.distributed
  if (interface != nullptr && *interface != 0) return ProcessGroupGloo::createDeviceForInterface(interface);
  return ProcessGroupGloo::createDefaultDevice();
}

class GlooWire : public lethe::C10dWire {
 public:
  using C10dWire::C10dWire;

  void connect(milliseconds limit) override {
    const auto options = ProcessGroupGloo::Options::create(limit);
    options->devices.push_back(network(place_));
    group_ = c10::make_intrusive<ProcessGroupGloo>(meeting_, place_.rank, place_.size, options);
  }

  void start(lethe::Collective collective, const void* in, void* out, std::size_t bytes) override {
    const auto tensors = host_tensors(place_, collective, in, out, bytes);
    work_ = begin(*group_, collective, tensors.in, tensors.out);
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
  c10::intrusive_ptr<ProcessGroupGloo> group_;
  c10::intrusive_ptr<c10d::Work> work_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) int lethe_wire_version() {
  return lethe::kWireVersion;
}

extern "C" __attribute__((visibility("default"))) lethe::Wire* lethe_open_wire(const lethe::RankPlace& place,
                                                                               int milliseconds, std::string& error) {
  return lethe::open_c10d_wire<GlooWire>(place, milliseconds, error);
}
