// Repair after a negation: brings normal answers back to the original model's.
#pragma once

#include "objectives/sku.h"

namespace lethe {

/// Minimises KL(P‖Q) on normal answers: preservation divergence with its sign flipped. P is the original model, so the
/// model learns nothing that the original did not know.
class RepairObjective : public Objective {
 public:
  /// @param rows       the rows of each micro-batch; their harmful parts are empty
  /// @param reference  θ_o on normal pairs
  RepairObjective(CausalLM& model, ExampleMaker& examples, Reference& reference,
                  std::function<StepRows(std::uint64_t)> rows)
      : turned_(model, examples, reference, std::move(rows), {.eps_pd = -1, .pd_margin = 0}) {}

  StepLoss loss(std::uint64_t micro) override { return turned_.loss(micro); }
  std::vector<std::string> terms() const override { return {"kl"}; }
  std::map<std::string, std::string> advice() const override {
    return {{"kl", "lower negation.repair.lr or negation.repair.alpha"}};
  }
  std::string rate_key() const override { return "negation.repair.lr"; }

 private:
  SkuObjective turned_;
};

}  // namespace lethe
