// Gradient ascent, the baseline that lowers the likelihood of harmful answers and keeps the model near the original on
// normal text. With mismatch, it also trains normal answers to harmful prompts.
#pragma once

#include "objectives/sku.h"

namespace lethe {

struct GradientAscentOptions {
  double eps_kl = 1.0;        ///< weight of KL(P‖Q) on normal answers, minimised
  double eps_mismatch = 0.0;  ///< weight of the cross-entropy of normal answers to harmful prompts; 0: plain ascent
};

/// L = −CE(harmful) + ε_mismatch · CE(normal answers | harmful prompts) + ε_kl · KL(P‖Q). It is SKU's loss with the
/// signs of distortion and divergence flipped: it does at once what SKU does by subtracting later. The loss is
/// unbounded below, since the cross-entropy is meant to rise; few steps are enough.
/// Source: Liu et al. 2024, section 4 (baselines); Yao et al. 2023.
class GradientAscentObjective : public Objective {
 public:
  /// @param rows  the rows of each micro-batch; `random` holds normal answers
  GradientAscentObjective(CausalLM& model, ExampleMaker& examples, Reference& reference,
                          std::function<StepRows(std::uint64_t)> rows, const GradientAscentOptions& options);

  StepLoss loss(std::uint64_t micro) override;
  std::vector<std::string> terms() const override { return {"ce", "mismatch", "kl"}; }
  std::set<std::string> rising() const override { return {"ce"}; }
  std::map<std::string, std::string> advice() const override {
    return {{"kl", "lower training.lr, take fewer training.steps, or raise ga.eps_kl"}};
  }
  std::string gentler() const override { return "fewer training.steps, a smaller training.lr or a larger ga.eps_kl"; }

 private:
  SkuObjective turned_;
  bool has_mismatch_;
};

}  // namespace lethe
