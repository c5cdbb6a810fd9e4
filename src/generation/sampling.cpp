#include "generation/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <vector>

namespace lethe {

int sample_token(const at::Tensor& logits, const SamplingOptions& options, RandomStream& stream) {
  if (options.temperature <= 0) return static_cast<int>(logits.argmax().item<std::int64_t>());
  const at::Tensor scaled = (logits.to(at::kDouble) / options.temperature).softmax(0).contiguous();
  const double* chance = scaled.data_ptr<double>();
  std::vector<int> order(static_cast<std::size_t>(scaled.numel()));
  std::iota(order.begin(), order.end(), 0);
  // Ties go to the lower id, so that the order is the same everywhere.
  const auto likelier = [&](int a, int b) { return chance[a] != chance[b] ? chance[a] > chance[b] : a < b; };
  if (options.top_k > 0 && static_cast<std::size_t>(options.top_k) < order.size()) {
    std::partial_sort(order.begin(), order.begin() + options.top_k, order.end(), likelier);
    order.resize(static_cast<std::size_t>(options.top_k));
  } else if (options.top_p < 1) {
    std::sort(order.begin(), order.end(), likelier);
  }
  double total = 0;
  for (const int id : order) total += chance[id];
  if (options.top_p < 1) {
    double reached = 0;
    std::size_t kept = 0;
    while (kept < order.size() && reached < options.top_p * total) reached += chance[order[kept++]];
    order.resize(std::max<std::size_t>(1, kept));
    total = reached;
  }
  double left = static_cast<double>(stream.uniform()) * total;
  for (const int id : order) {
    left -= chance[id];
    if (left < 0) return id;
  }
  return order.back();
}

at::Tensor sample_tokens(const at::Tensor& logits, const SamplingOptions& options, const at::Tensor& uniforms) {
  if (options.temperature <= 0) return logits.argmax(-1);
  at::Tensor chances = (logits.to(at::kDouble) / options.temperature).softmax(-1), order;
  const bool cut = options.top_k > 0 && options.top_k < logits.size(1);
  if (cut || options.top_p < 1) {
    std::tie(chances, order) = chances.sort(/*stable=*/true, -1, /*descending=*/true);  // ties: the lower id first
    if (cut) chances = chances.narrow(1, 0, options.top_k);
  }
  const at::Tensor sums = chances.cumsum(-1);
  const std::int64_t count = sums.size(1);
  at::Tensor total = sums.narrow(1, count - 1, 1);
  at::Tensor last = at::full_like(total, count - 1, at::TensorOptions(at::kLong));
  if (options.top_p < 1) {
    // A token is kept if those before it do not reach top_p; the first one always is.
    last = (sums.narrow(1, 0, count - 1) < total * options.top_p).sum(-1, /*keepdim=*/true);
    total = sums.gather(1, last);
  }
  const at::Tensor place = at::minimum((sums <= uniforms.unsqueeze(1) * total).sum(-1, /*keepdim=*/true), last);
  return (order.defined() ? order.gather(1, place) : place).squeeze(1);
}

}  // namespace lethe
