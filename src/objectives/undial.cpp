#include "objectives/undial.h"

#include "nn/row_losses.h"

namespace lethe {

at::Tensor undial_of_each(const at::Tensor& logits, const at::Tensor& reference, const at::Tensor& targets,
                          double beta) {
  const at::Tensor harmful = targets.unsqueeze(1);
  const at::Tensor lowering = at::full(harmful.sizes(), -beta, reference.options());
  const at::Tensor wanted = reference.scatter_add(1, harmful, lowering).softmax(1);
  return -(wanted * logits.log_softmax(1)).sum(1);
}

at::Tensor undial_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  const double beta = settings.beta.value();
  const at::Tensor reference = batch.original_states(), targets = batch.targets;
  const Head head = batch.original_head();
  const at::Tensor each =
      loss_of_each(batch.states, batch.head, [=](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        return undial_of_each(logits, head.logits(reference.slice(0, begin, end)), targets.slice(0, begin, end), beta);
      });
  return mean_over_tokens(each, batch.own);
}

}  // namespace lethe
