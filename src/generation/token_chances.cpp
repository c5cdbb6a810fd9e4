#include "generation/token_chances.h"

#include <algorithm>

#include "tensors/device.h"

namespace lethe {

std::vector<TokenChances> token_chances(const at::Tensor& logits, std::span<const int> tokens, std::int64_t top) {
  const at::Tensor chances = logits.log_softmax(-1);
  const std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
  const at::Tensor where = to_device(at::tensor(ids, at::kLong), logits.device()).unsqueeze(1);
  const at::Tensor own = chances.gather(1, where).cpu();
  const float* value = own.const_data_ptr<float>();
  std::vector<TokenChances> found(tokens.size());
  for (std::size_t i = 0; i < found.size(); ++i) found[i].logprob = value[i];
  const std::int64_t count = std::min(top, logits.size(1));
  if (count <= 0) return found;
  const auto [best, best_ids] = chances.topk(count, -1);
  const at::Tensor values = best.cpu(), names = best_ids.cpu();
  const float* logprob = values.const_data_ptr<float>();
  const std::int64_t* id = names.const_data_ptr<std::int64_t>();
  for (TokenChances& one : found) {
    for (std::int64_t k = 0; k < count; ++k) one.top.emplace_back(static_cast<int>(*id++), *logprob++);
  }
  return found;
}

}  // namespace lethe
