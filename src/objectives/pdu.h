// PDU: flattens the logits on harmful answers, and holds the loss of normal answers below a bound by a dual variable.
#pragma once

#include "objectives/forget_retain.h"

namespace lethe {

/// (largest logit − mean logit)² of each position.
/// @param logits  [n, V]
/// @return        [n]
/// Source: Entesari et al. 2025; pdu.py of OpenUnlearning, which takes the logits after each response token instead of
/// those that predict it.
at::Tensor flattening_loss(const at::Tensor& logits);

/// Forget: mean over the tokens of harmful answers of flattening_loss(). The weight λ of the retain loss starts at
/// objective.retain, which may be 0. After each step, once objective.dual_warmup steps are done,
/// λ ← max(0, λ + η·(retain − ε)).
/// Source: as above.
class PduObjective : public ForgetRetainObjective {
 public:
  PduObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings);

  StepLoss loss(std::uint64_t micro) override;
  /// As the base class, and "dual", λ.
  std::vector<std::string> terms() const override;
  std::set<std::string> rising() const override { return {"forget", "dual"}; }  // a squared logit, a weight: not nats
  NamedTensors state() override { return {{"dual", dual_}}; }
  void stepped(const std::map<std::string, double>& terms) override;
  double dual() const { return dual_[0].item<double>(); }

 protected:
  at::Tensor forget(const ResponseBatch& batch) override;
  double retain_weight(std::uint64_t /*micro*/) const override { return dual(); }

 private:
  at::Tensor dual_;  // [2] float64: λ, and the steps done
};

}  // namespace lethe
