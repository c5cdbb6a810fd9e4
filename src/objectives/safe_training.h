// Teaches safe answers to harmful prompts and holds normal answers near the original's: the safe half of contrast.
#pragma once

#include "objectives/sku.h"

namespace lethe {

/// L = CE(safe answer | harmful prompt) + ε_kl · KL(P‖Q) on normal answers. CE is the mean over pairs of the mean over
/// tokens, KL the mean over tokens, both in nats. It is SKU's loss with the sign of the divergence flipped, on rows
/// whose harmful responses were replaced. Source: none; contrastive weight steering (Fierro and Roger 2025) fine-tunes
/// on the wanted answers, the KL is SKU's preservation divergence turned round.
class SafeObjective : public Objective {
 public:
  /// @param rows       the rows of each micro-batch: harmful prompts with safe answers, normal pairs, nothing drawn
  /// @param reference  θ_o on normal pairs; not used if eps_kl is 0
  SafeObjective(CausalLM& model, ExampleMaker& examples, Reference& reference,
                std::function<StepRows(std::uint64_t)> rows, double eps_kl)
      : turned_(model, examples, reference, std::move(rows),
                {.harmful = {.eps_gd = 1, .eps_rd = 0}, .eps_pd = -eps_kl, .pd_margin = 0}) {}

  StepLoss loss(std::uint64_t micro) override {
    StepLoss result = turned_.loss(micro);
    std::map<std::string, at::Tensor> terms;
    for (const auto& [name, value] : result.terms) {
      if (name == "gd") terms["safe"] = value;
      if (name == "kl") terms["kl"] = value;
    }
    result.terms = std::move(terms);
    return result;
  }
  std::vector<std::string> terms() const override { return {"safe", "kl"}; }
  std::map<std::string, std::string> advice() const override { return {{"kl", "lower safe.lr, or raise safe.eps_kl"}}; }
  std::string gentler() const override {
    return "fewer training.steps or safe.steps, a smaller training.lr or safe.lr, or a larger safe.eps_kl";
  }
  std::string rate_key() const override { return "safe.lr"; }

 private:
  SkuObjective turned_;
};

}  // namespace lethe
