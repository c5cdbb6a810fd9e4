#include "nn/head.h"

#include "nn/matmul.h"

namespace lethe {

at::Tensor Head::logits(const at::Tensor& hidden) const {
  at::Tensor result = head_chunks::raw_logits(hidden, *this);
  head_chunks::finish_logits(result, *this);
  return result;
}

namespace head_chunks {

void finish_logits(at::Tensor& logits, const Head& head) {
  if (head.scale != 1.0) logits.mul_(head.scale);
  if (head.softcap > 0) logits.div_(head.softcap).tanh_().mul_(head.softcap);
}

void unfinish_gradient(at::Tensor& gradient, const at::Tensor& logits, const Head& head) {
  if (head.softcap > 0) gradient.mul_(1 - (logits / head.softcap).square_());
  if (head.scale != 1.0) gradient.mul_(head.scale);
}

at::Tensor raw_logits(const at::Tensor& hidden, const Head& head) {
  return matmul_nt(hidden, head.weight, head.bias).to(wide(hidden));
}

std::int64_t chunk_rows(const Head& head, const ChunkOptions& options) {
  const std::int64_t vocabulary = head.weight.size(0);
  if (options.logits > 0) return std::max<std::int64_t>(1, options.logits / vocabulary);
  constexpr std::int64_t logits = std::int64_t{6} << 20, enough_rows = 128;
  return std::max(enough_rows, logits / vocabulary);
}

Head detached(const Head& head) {
  Head plain = head;
  plain.weight = head.weight.detach();
  if (head.bias.defined()) plain.bias = head.bias.detach();
  return plain;
}

at::Tensor weight_gradient(const at::Tensor& weight) {
  return at::empty(weight.sizes(), weight.options().dtype(wide(weight)));
}

void add_weight_gradient(at::Tensor& sum, const at::Tensor& gradient, const at::Tensor& hidden, bool first) {
  if (sum.scalar_type() == hidden.scalar_type()) {
    matmul_tn_into(sum, gradient, hidden, /*add=*/!first);
    return;
  }
  if (first) sum.zero_();
  sum.add_(at::mm(gradient.t(), hidden));
}

}  // namespace head_chunks
}  // namespace lethe
