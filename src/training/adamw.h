// AdamW over the trained parameters (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace lethe {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
  /// Weights that are updated together. 16-bit gradients are copied to float32, a group at a time.
  std::int64_t group = std::int64_t{1} << 26;
  /// Where each of several ranks updates a part of the weights: from the norm of this rank's gradients to that of all
  /// ranks' (a float64 scalar). Empty: this optimizer has all of them.
  std::function<at::Tensor(const at::Tensor& own)> joint_norm;
};

/// State: two float32 moments per parameter (8 bytes per trained weight). 16-bit parameters are updated through a
/// float32 copy, so that small updates are not lost.
class AdamW {
 public:
  AdamW(std::vector<at::Tensor> parameters, const AdamWOptions& options);

  /// One update from the parameters' .grad(), which it clears.
  /// @param norm  of all gradients, from clip_gradients(): if it is not finite, nothing changes
  void step(double lr, const at::Tensor& norm = {});
  /// Scales all gradients so that their joint 2-norm is at most `limit` (0: leaves them). Does not wait for a GPU.
  /// @return the norm before scaling, a float64 scalar on the parameters' device; undefined without gradients
  at::Tensor clip_gradients(double limit);
  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  bool on_cpu() const { return parameters_.empty() || parameters_.front().device().is_cpu(); }

  /// The state that decides the next step, by name: "weight.0", "first.0", "second.0", "steps.0", … The tensors are the
  /// optimizer's own.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  /// Call after writing to state(): updates 16-bit parameters from their float32 copies.
  void state_changed();

 private:
  friend class BackwardSteps;
  void step_some(const std::vector<std::size_t>& numbers, double lr, const at::Tensor& norm);  // that have a gradient

  AdamWOptions options_;
  std::vector<at::Tensor> parameters_, masters_, first_, second_, steps_;
};

/// While it exists, each parameter is updated within the backward pass, as soon as its gradient is complete. The
/// gradient is then freed, so only a few are held at a time. Gives the same bits as step(). Not for clipping, which
/// needs all gradients first, nor for several backward passes per step.
class BackwardSteps {
 public:
  BackwardSteps(AdamW& optimizer, double lr);
  ~BackwardSteps();
  BackwardSteps(const BackwardSteps&) = delete;
  BackwardSteps& operator=(const BackwardSteps&) = delete;

  /// The joint 2-norm of the gradients so far, as clip_gradients() gives it. A parameter whose gradient is not finite
  /// was not updated.
  at::Tensor gradient_norm() const;

 private:
  AdamW& optimizer_;
  std::vector<at::Tensor> norms_;  // per parameter: float64 scalar, undefined without gradient
};

}  // namespace lethe
