#include "objectives/gradient_difference.h"

namespace lethe {

at::Tensor gradient_difference(const ResponseBatch& batch, const ObjectiveSettings&) {
  return -mean_over_tokens(batch.losses(), batch.own);
}

}  // namespace lethe
