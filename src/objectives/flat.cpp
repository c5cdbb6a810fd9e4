#include "objectives/flat.h"

namespace lethe {

at::Tensor total_variation_loss(const at::Tensor& refusals, const at::Tensor& harmful) {
  return 0.5 * (harmful.tanh() - refusals.tanh());
}

at::Tensor flat_loss(const ResponseBatch& batch, const ObjectiveSettings& /*settings*/) {
  const at::Tensor probabilities = (-batch.losses()).exp();
  return total_variation_loss(mean_over_examples(probabilities, batch.preferred),
                              mean_over_examples(probabilities, batch.own));
}

}  // namespace lethe
