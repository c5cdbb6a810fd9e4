#include "objectives/ihl.h"

#include "nn/row_losses.h"

namespace lethe {

at::Tensor inverted_hinge_of_each(const at::Tensor& logits, const at::Tensor& targets) {
  const at::Tensor probabilities = logits.softmax(1), harmful = targets.unsqueeze(1);
  return 1 + probabilities.gather(1, harmful).squeeze(1) - probabilities.scatter(1, harmful, -1.0).amax(1);
}

at::Tensor ihl_loss(const ResponseBatch& batch, const ObjectiveSettings& /*settings*/) {
  const at::Tensor targets = batch.targets;
  const at::Tensor each =
      loss_of_each(batch.states, batch.head, [=](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        return inverted_hinge_of_each(logits, targets.slice(0, begin, end));
      });
  return mean_over_tokens(each, batch.own);
}

}  // namespace lethe
