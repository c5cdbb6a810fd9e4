// The optional component that connects ranks with a GPU each: collectives by NCCL, between copies to and from the GPU.
//
// libtorch_cuda.so holds c10d's side of NCCL; nccl.h comes from the wheel nvidia-nccl-cu13. It compiles and links, and
// has not run: no GPU was at hand.
#define USE_C10D_NCCL
#include <c10/cuda/CUDAGuard.h>

#include <thread>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "c10d_wire.h"

namespace {

using c10d::ProcessGroupNCCL;
using std::chrono::milliseconds;

class NcclWire : public lethe::C10dWire {
 public:
  NcclWire(const lethe::RankPlace& place, milliseconds limit)
      : C10dWire(place, limit), device_(at::kCUDA, static_cast<at::DeviceIndex>(place.local_rank)) {}

  void connect(milliseconds limit) override {
    const auto options = ProcessGroupNCCL::Options::create();
    options->timeout = limit;
    group_ = c10::make_intrusive<ProcessGroupNCCL>(meeting_, place_.rank, place_.size, options);
  }

  void start(lethe::Collective collective, const void* in, void* out, std::size_t bytes) override {
    const c10::cuda::CUDAGuard guard(device_);
    const auto host = host_tensors(place_, collective, in, out, bytes);
    const bool shares = collective == lethe::Collective::share;
    const at::Tensor sent = shares ? at::Tensor() : host.in.to(device_);
    host_ = host.out;
    received_ = shares ? host_.to(device_) : at::empty_like(host_, device_);
    work_ = begin(*group_, collective, sent, received_);
  }

  bool done(milliseconds limit) override {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!work_->isCompleted()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (const auto failure = work_->exception()) std::rethrow_exception(failure);
    work_->wait();  // the copy follows on this thread's stream
    const c10::cuda::CUDAGuard guard(device_);
    host_.copy_(received_);
    received_ = host_ = at::Tensor();
    work_.reset();
    return true;
  }

 private:
  const at::Device device_;
  c10::intrusive_ptr<ProcessGroupNCCL> group_;
  c10::intrusive_ptr<c10d::Work> work_;
  at::Tensor received_, host_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) int lethe_wire_version() {
  return lethe::kWireVersion;
}

extern "C" __attribute__((visibility("default"))) lethe::Wire* lethe_open_wire(const lethe::RankPlace& place,
                                                                               int milliseconds, std::string& error) {
  return lethe::open_c10d_wire<NcclWire>(place, milliseconds, error);
}
