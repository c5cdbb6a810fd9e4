// GRU: a rule for the gradients of any objective that forgets and retains. It takes away what would raise the retain
// loss.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "objectives/objective.h"

namespace lethe {

/// m ← 0.8·g_r + 0.2·m, and if g_f·m < 0: g_f ← g_f − (g_f·m/‖m‖²)·m. The step then follows g_f + g_r. g_f and g_r are
/// the whole step's gradients of the forget and the retain loss with their weights, over all trained tensors; m is 0 at
/// first.
/// Source: Wang et al. 2025 (GRU); their code, with its moving average, whose g_f includes g_r in some of its variants.
class GruObjective : public Objective {
 public:
  /// @param inner       sets StepLoss::forget and retain
  /// @param trained     the tensors that train
  /// @param accumulate  micro-batches of a step
  GruObjective(std::unique_ptr<Objective> inner, std::vector<at::Tensor> trained, std::int64_t accumulate);

  /// Runs the two backward passes, and leaves no .grad(). The whole step's gradient is that of its last micro-batch;
  /// the losses of the others carry none. No hook may act on the trained tensors' gradients meanwhile (BackwardSteps).
  StepLoss loss(std::uint64_t micro) override;
  std::vector<std::string> terms() const override { return inner_->terms(); }
  std::set<std::string> rising() const override { return inner_->rising(); }
  std::map<std::string, std::string> advice() const override { return inner_->advice(); }
  std::string gentler() const override { return inner_->gentler(); }
  std::string rate_key() const override { return inner_->rate_key(); }
  /// The inner objective's, and m: "gru.0", "gru.1", …
  NamedTensors state() override;
  void stepped(const std::map<std::string, double>& terms) override;

 private:
  at::Tensor corrected_loss();

  std::unique_ptr<Objective> inner_;
  std::vector<at::Tensor> trained_;
  std::int64_t accumulate_;
  std::vector<at::Tensor> average_, next_average_;  // m before this step, and in it
  std::vector<at::Tensor> forget_, retain_;         // sums over the micro-batches of this step; undefined: zero
};

}  // namespace lethe
