#include "objectives/pdu.h"

#include <algorithm>

#include "nn/row_losses.h"

namespace lethe {

at::Tensor flattening_loss(const at::Tensor& logits) {
  return (logits.amax(1) - logits.mean(1)).square();
}

PduObjective::PduObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings)
    : ForgetRetainObjective(std::move(inputs), settings),
      dual_(at::tensor({settings.retain.value(), 0.0}, at::kDouble)) {}

StepLoss PduObjective::loss(std::uint64_t micro) {
  StepLoss result = ForgetRetainObjective::loss(micro);
  result.terms["dual"] = at::full({}, dual(), at::TensorOptions(at::kDouble).device(inputs().model.device()));
  return result;
}

std::vector<std::string> PduObjective::terms() const {
  std::vector<std::string> names = ForgetRetainObjective::terms();
  names.push_back("dual");
  return names;
}

at::Tensor PduObjective::forget(const ResponseBatch& batch) {
  const at::Tensor each = loss_of_each(
      batch.states, batch.head,
      [](const at::Tensor& logits, std::int64_t /*begin*/, std::int64_t /*end*/) { return flattening_loss(logits); });
  return mean_over_tokens(each, batch.own);
}

void PduObjective::stepped(const std::map<std::string, double>& terms) {
  const double steps = dual_[1].item<double>() + 1;
  const auto retain = terms.find("retain");
  double dual = dual_[0].item<double>();
  if (retain != terms.end() && steps > static_cast<double>(settings().dual_warmup.value()))
    dual = std::max(0.0, dual + settings().dual_rate.value() * (retain->second - settings().eps.value()));
  dual_.copy_(at::tensor({dual, steps}, at::kDouble));
}

}  // namespace lethe
