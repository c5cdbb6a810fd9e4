// Shared by the GPU's tests: the device, small models on it and on the CPU, and their differences.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "core/json.h"
#include "folder_test.h"
#include "models/causal_lm.h"

namespace lethe {

/// Each test runs on the first GPU; with LETHE_STAND_IN=1 on a stand-in (stand_in_device.h); else it is skipped.
class GpuTest : public FolderTest {
 protected:
  void SetUp() override;
  bool on_stand_in() const { return device_.type() == at::kPrivateUse1; }

  at::Device device_ = at::kCPU;
};

/// Random models of two layers: "llama" with grouped heads, "opt" with learned positions, "gemma2" with a window and
/// soft caps.
const std::vector<std::string>& small_models();
CausalLM small_model(const std::string& name);
/// Moves all weights.
void move_to(CausalLM& model, at::Device device, at::ScalarType type);

/// The embedded demo's checkpoint, written into `folder`.
fs::path demo_checkpoint(const fs::path& folder);

/// ‖found − wanted‖ / ‖wanted‖; infinite if a value is NaN.
double difference(const at::Tensor& found, const at::Tensor& wanted);

}  // namespace lethe
