#include "objectives/safe_unlearning.h"

namespace lethe {

at::Tensor safe_unlearning_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  const at::Tensor risen = mean_of_each(batch.losses(), batch.own) - mean_of_each(batch.original_losses(), batch.own);
  return -at::log_sigmoid(risen * *settings.beta).mean();
}

}  // namespace lethe
