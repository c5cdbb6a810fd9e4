#include "objectives/jensun.h"

#include <numbers>

#include "nn/row_losses.h"

namespace lethe {

at::Tensor divergence_to_tokens(const at::Tensor& logits, const at::Tensor& targets) {
  const at::Tensor log_p = logits.log_softmax(1).gather(1, targets.unsqueeze(1)).squeeze(1), p = log_p.exp();
  return std::numbers::ln2 + 0.5 * (p * log_p - (1 + p) * p.log1p());
}

at::Tensor divergence_to_reference(const at::Tensor& logits, const at::Tensor& reference) {
  const at::Tensor log_q = logits.log_softmax(1), log_p = reference.log_softmax(1);
  const at::Tensor log_m = at::logaddexp(log_p, log_q) - std::numbers::ln2;
  return 0.5 * (log_p.exp() * (log_p - log_m) + log_q.exp() * (log_q - log_m)).sum(1);
}

at::Tensor JensUnObjective::forget(const ResponseBatch& batch) {
  at::Tensor targets = batch.targets.clone();
  for (std::size_t i = 0; i < batch.own.size(); ++i) {
    const ResponseSpan &own = batch.own[i], &refusal = batch.preferred.at(i);
    const at::Tensor numbers = at::arange(own.size(), targets.options()).remainder(refusal.size()) + refusal.begin;
    targets.slice(0, own.begin, own.end).copy_(batch.targets.index_select(0, numbers));
  }
  const at::Tensor each =
      loss_of_each(batch.states, batch.head, [=](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        return divergence_to_tokens(logits, targets.slice(0, begin, end));
      });
  return mean_over_tokens(each, batch.own);
}

at::Tensor JensUnObjective::retain(const ResponseBatch& batch) {
  if (settings().retain_loss != RetainLoss::automatic) return ForgetRetainObjective::retain(batch);
  const at::Tensor reference = batch.original_states();
  const Head head = batch.original_head();
  return loss_of_each(batch.states, batch.head,
                      [=](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
                        return divergence_to_reference(logits, head.logits(reference.slice(0, begin, end)));
                      })
      .mean(at::kDouble);
}

}  // namespace lethe
