#include "objectives/ce_u.h"

#include <limits>

#include "nn/row_losses.h"

namespace lethe {

at::Tensor ce_u_of_each(const at::Tensor& logits, const at::Tensor& targets) {
  const at::Tensor wanted =
      logits.detach().scatter(1, targets.unsqueeze(1), -std::numeric_limits<double>::infinity()).softmax(1);
  return -(wanted * logits.log_softmax(1)).sum(1);
}

at::Tensor ce_u_loss(const ResponseBatch& batch, const ObjectiveSettings& settings) {
  std::vector<ResponseSpan> counted;
  for (const ResponseSpan& span : batch.own) {
    if (span.size() > settings.skip.value()) counted.push_back({span.begin + settings.skip.value(), span.end});
  }
  if (counted.empty()) return at::zeros({}, batch.states.options().dtype(at::kDouble));
  const at::Tensor targets = batch.targets;
  const at::Tensor each =
      loss_of_each(batch.states, batch.head, [=](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
        return ce_u_of_each(logits, targets.slice(0, begin, end));
      });
  return mean_over_tokens(each, counted);
}

}  // namespace lethe
