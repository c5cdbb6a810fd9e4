#include "objectives/weighted_ascent.h"

namespace lethe {

at::Tensor wga_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  const at::Tensor& losses = batch.losses();
  const at::Tensor weights = (-losses.detach()).exp().pow(*settings.beta);
  return -mean_over_tokens(weights * losses, batch.own);
}

at::Tensor satimp_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  const at::Tensor& losses = batch.losses();
  const at::Tensor p = (-losses.detach()).exp();
  return -mean_over_tokens(p.pow(*settings.beta) * (1 - p).pow(*settings.beta2) * losses, batch.own);
}

}  // namespace lethe
