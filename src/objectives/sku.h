// SKU stage 1: L = ε1·GD + ε2·RD − ε3·KL, one forward pass for all three.
#pragma once

#include <functional>

#include "objectives/harmful_responses.h"
#include "objectives/objective.h"
#include "objectives/preservation_divergence.h"

namespace lethe {

struct SkuOptions {
  HarmfulOptions harmful;
  double eps_pd = 1.0;     ///< ε3
  double pd_margin = 2.0;  ///< nats per token; 0 = off
};

/// Source: Liu et al. 2024, section 3.1; what differs from the published code is in docs/explanation/method.md.
class SkuObjective : public Objective {
 public:
  /// @param rows       the rows of each micro-batch
  /// @param reference  θ_o on normal pairs
  SkuObjective(CausalLM& model, ExampleMaker& examples, Reference& reference,
               std::function<StepRows(std::uint64_t)> rows, const SkuOptions& options)
      : model_(model), examples_(examples), reference_(reference), rows_(std::move(rows)), options_(options) {}

  StepLoss loss(std::uint64_t micro) override;
  std::vector<std::string> terms() const override { return {"gd", "rd", "kl"}; }
  std::map<std::string, std::string> advice() const override;
  std::string gentler() const override;

 private:
  CausalLM& model_;
  ExampleMaker& examples_;
  Reference& reference_;
  std::function<StepRows(std::uint64_t)> rows_;
  SkuOptions options_;
};

}  // namespace lethe
