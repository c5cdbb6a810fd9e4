// Choosing a device with a stub of the driver and of LibTorch's CUDA part.
#include "tensors/device.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/messages.h"

namespace lethe {
namespace {

class Warnings : public Observer {
 public:
  Warnings() : before_(set_observer(this)) {}
  ~Warnings() override { set_observer(before_); }
  void warning(const std::string& text) override { texts.push_back(text); }
  std::vector<std::string> texts;

 private:
  Observer* before_;
};

struct Machine {
  std::string driver_problem, engine_problem, version = "535.104.05";
  int devices = 0;
  std::vector<at::Device> used = {};

  at::Device choose(const std::string& device) {
    return choose_device(device, {.load =
                                      [this](const char* library) {
                                        return std::string(library) == "libcuda.so.1" ? driver_problem : engine_problem;
                                      },
                                  .driver = [this] { return version; },
                                  .supports = [] { return std::string("12.2"); },
                                  .devices = [this] { return devices; },
                                  .set_device = [this](at::Device one) { used.push_back(one); }});
  }
  std::string refusal(const std::string& device, ExitCode code = ExitCode::bad_input) {
    try {
      choose(device);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "";
  }
};

TEST(ChooseDevice, MakesTheRequestedGpuTheCurrentOne) {
  Machine machine{.devices = 4};
  EXPECT_EQ(machine.choose("auto"), at::Device(at::kCUDA, 0));
  EXPECT_EQ(machine.choose("cuda"), at::Device(at::kCUDA, 0));
  EXPECT_EQ(machine.choose("cuda:3"), at::Device(at::kCUDA, 3));
  EXPECT_EQ(machine.choose("cpu"), at::kCPU);
  EXPECT_EQ(machine.used, (std::vector{at::Device(at::kCUDA, 0), at::Device(at::kCUDA, 0), at::Device(at::kCUDA, 3)}));
  EXPECT_NE(machine.refusal("cuda:4").find("a GPU from 0 to 3"), std::string::npos);
  for (const char* wrong : {"cuda:", "cuda:x", "cuda:-1", "cuda:999", "gpu"}) machine.refusal(wrong, ExitCode::usage);
}

TEST(ChooseDevice, SaysInOneLineWhyAutoIsTheCpu) {
  const Warnings warnings;
  const std::string missing = "libcublas.so.13: cannot open shared object file: No such file or directory";
  EXPECT_EQ(Machine{.engine_problem = missing}.choose("auto"), at::kCPU);
  EXPECT_EQ(Machine{}.choose("auto"), at::kCPU);
  EXPECT_EQ(Machine{.driver_problem = "libcuda.so.1: not found"}.choose("auto"), at::kCPU);
  ASSERT_EQ(warnings.texts.size(), 3U);
  EXPECT_EQ(warnings.texts[0], "computing on the CPU: LibTorch's CUDA part does not load (driver 535.104.05): " +
                                   missing + "; `make setup-cuda` installs what it needs");
  EXPECT_EQ(warnings.texts[1],
            "computing on the CPU: the engine finds no GPU that it can use (driver 535.104.05); the driver supports "
            "CUDA 12.2, the engine needs 13.0");
  EXPECT_EQ(warnings.texts[2],
            "computing on the CPU: the driver's library does not load (driver 535.104.05): libcuda.so.1: not found");
}

TEST(ChooseDevice, IsSilentOnAMachineWithoutADriver) {
  const Warnings warnings;
  Machine machine{.driver_problem = "libcuda.so.1: not found", .version = ""};
  EXPECT_EQ(machine.choose("auto"), at::kCPU);
  EXPECT_TRUE(warnings.texts.empty());
  EXPECT_NE(machine.refusal("cuda").find("no NVIDIA driver"), std::string::npos);
}

TEST(ChooseDevice, SaysWhyARequestedGpuCannotBeUsed) {
  EXPECT_NE(Machine{.engine_problem = "libnccl.so.2: missing"}.refusal("cuda:1").find("libnccl.so.2: missing"),
            std::string::npos);
}

}  // namespace
}  // namespace lethe
