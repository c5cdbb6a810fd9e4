#include "objectives/preference.h"

#include "core/error.h"

namespace lethe {
namespace {

/// (−2/β) · mean log σ(β · margin). @param margin [responses]
at::Tensor preference_loss(const at::Tensor& margin, double beta) {
  return at::log_sigmoid(margin * beta).mean() * (-2 / beta);
}

/// NLL − NLL_ref of each response: how much less likely it is than under the original.
at::Tensor risen(const ResponseBatch& batch, std::span<const ResponseSpan> responses) {
  return sum_of_each(batch.losses(), responses) - sum_of_each(batch.original_losses(), responses);
}

}  // namespace

at::Tensor npo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  return preference_loss(risen(batch, batch.own), *settings.beta);
}

at::Tensor simnpo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  return preference_loss(mean_of_each(batch.losses(), batch.own) - *settings.delta, *settings.beta);
}

at::Tensor dpo_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  if (batch.preferred.empty()) throw Error("internal: no preferred answers were drawn");
  return preference_loss(risen(batch, batch.own) - risen(batch, batch.preferred), *settings.beta);
}

}  // namespace lethe
