// Losses over the vocabulary without ever holding [T, V] logits: hidden states, the head and the wanted positions go
// in, and cross-entropy or KL is worked off in chunks, gradients included.
#pragma once

#include <ATen/ATen.h>

namespace lethe {

/// The map from final hidden states to logits.
struct Head {
  at::Tensor weight;     ///< [V, D]
  at::Tensor bias;       ///< [V], or undefined
  double scale = 1.0;    ///< logits are multiplied with it (Granite divides by logits_scaling)
  double softcap = 0.0;  ///< cap · tanh(logit / cap) (Gemma 2); 0: none

  /// Logits of a few positions, float32 (float64 if the weights are). @param hidden [N, D] @return [N, V]
  at::Tensor logits(const at::Tensor& hidden) const;
};

/// How many logits a chunk may hold: bounds the memory of the losses below (bytes = 4 × this; twice for the
/// divergence).
struct ChunkOptions {
  std::int64_t logits = 0;  ///< 0: six million, and 128 positions at least
};

struct TokenLoss {
  at::Tensor total;  ///< scalar, Σ weights[i] · loss[i], in nats; carries the gradient
  at::Tensor each;   ///< [N] loss of each position, nats; no gradient
};

/// Cross-entropy of N positions: loss[i] = −log softmax(logits(hidden[i]))[targets[i]].
/// @param hidden   [N, D]
/// @param targets  [N] int64 in [0, V)
/// @param weights  [N] float, what each position counts in the total
/// Two products of size N·V·D where the head is frozen, three where it is trained: nothing is computed twice.
TokenLoss cross_entropy(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                        const at::Tensor& weights, const ChunkOptions& options = {});

/// KL(P‖Q) of N positions, P from the original model's hidden states and head, Q from the current ones:
/// loss[i] = Σ_v P(v)·(log P(v) − log Q(v)). Gradients flow into Q's hidden states and head only.
/// @param hidden, reference_hidden  [N, D]
/// Source: Liu et al. 2024, section 3.1 (preservation divergence).
TokenLoss kl_divergence(const at::Tensor& hidden, const Head& head, const at::Tensor& reference_hidden,
                        const Head& reference_head, const at::Tensor& weights, const ChunkOptions& options = {});

/// log softmax(logits(hidden[i]))[targets[i]] for scoring: [N] float, no gradient.
at::Tensor log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                             const ChunkOptions& options = {});

}  // namespace lethe
