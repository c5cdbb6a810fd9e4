// Shared by tests of the training loop: an objective whose steps differ and come again with the same seed.
#pragma once

#include <functional>

#include "core/random.h"
#include "objectives/objective.h"

namespace lethe {

/// Σ (w − draw)² of a weight [4], the draws from the stream of each micro-batch.
class NoiseObjective : public Objective {
 public:
  explicit NoiseObjective(at::Tensor weight) : weight_(std::move(weight)) {}
  StepLoss loss(std::uint64_t micro) override {
    if (before) before(micro);
    ++calls;
    RandomStream stream(3, "noise", micro);
    at::Tensor target = at::empty({4});
    for (int i = 0; i < 4; ++i) target[i] = stream.normal();
    StepLoss loss;
    loss.loss = (weight_ - target).pow(2).sum();
    loss.terms["square"] = loss.loss;
    loss.tokens = 4;
    return loss;
  }
  std::vector<std::string> terms() const override { return {"square"}; }
  std::function<void(std::uint64_t micro)> before;  ///< called as each micro-batch begins
  std::int64_t calls = 0;

 private:
  at::Tensor weight_;
};

}  // namespace lethe
