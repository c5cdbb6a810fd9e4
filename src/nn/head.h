// The head of a decoder, and the steps that losses over the vocabulary share: raw products, logits, chunks of
// positions.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>

namespace lethe {

/// The map from final hidden states to logits.
struct Head {
  at::Tensor weight;     ///< [V, D]
  at::Tensor bias;       ///< [V], or undefined
  double scale = 1.0;    ///< factor of the logits (Granite divides by logits_scaling)
  double softcap = 0.0;  ///< cap · tanh(logit / cap) (Gemma 2); 0: none

  /// Logits of a few positions, float32 (float64 if the weights are). @param hidden [N, D] @return [N, V]
  at::Tensor logits(const at::Tensor& hidden) const;
};

/// Logits per chunk. Bounds the memory of the losses below: 4 bytes per logit, 8 for the divergence.
struct ChunkOptions {
  std::int64_t logits = 0;  ///< 0: six million, but at least 128 positions
};

namespace head_chunks {

/// The type that losses are computed in: float32, or float64 for float64.
inline at::ScalarType wide(const at::Tensor& t) {
  return at::promote_types(t.scalar_type(), at::kFloat);
}

/// Turns raw products into logits in place: scale, soft cap. The backward pass needs only the logits.
void finish_logits(at::Tensor& logits, const Head& head);

/// Turns the gradient of the logits into that of the raw products, in place.
void unfinish_gradient(at::Tensor& gradient, const at::Tensor& logits, const Head& head);

/// hidden · weightᵀ + bias, wide. @param hidden [n, D] @return [n, V]
at::Tensor raw_logits(const at::Tensor& hidden, const Head& head);

/// Positions in one chunk.
std::int64_t chunk_rows(const Head& head, const ChunkOptions& options);

/// The head without gradient: the autograd functions pass on the gradients of weight and bias themselves.
Head detached(const Head& head);

/// The gradient of the head's weight, still without values. Wide: many chunks are added to it.
at::Tensor weight_gradient(const at::Tensor& weight);
/// Adds one chunk's part, gradientᵀ · hidden. @param gradient  of the type of the head's weight: it decides in which
/// type the product computes @param first  overwrites instead
void add_weight_gradient(at::Tensor& sum, const at::Tensor& gradient, const at::Tensor& hidden, bool first);

/// Calls action(first, last) for strips of a chunk. The matrix kernels need large chunks [n, V]; on a CPU, the steps
/// after them work on strips that stay in the cache.
template <class Action>
void for_strips(const at::Tensor& logits, const Action& action) {
  constexpr std::int64_t strip = std::int64_t{1} << 18;
  const std::int64_t rows = logits.size(0);
  const std::int64_t step = logits.device().is_cpu() ? std::max<std::int64_t>(1, strip / logits.size(1)) : rows;
  for (std::int64_t first = 0; first < rows; first += step) action(first, std::min(first + step, rows));
}

}  // namespace head_chunks
}  // namespace lethe
