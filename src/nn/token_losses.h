// Losses over the vocabulary without ever holding [T, V] logits: hidden states, the head and the wanted positions go
// in, and cross-entropy or KL is worked off in chunks, gradients included.
#pragma once

#include <ATen/ATen.h>

#include <vector>

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

/// Positions [begin, end) of the hidden states, n of them, and what is asked of them: cross-entropy where there are
/// targets, the divergence where there is a reference (below).
struct LossPart {
  std::int64_t begin = 0, end = 0;
  at::Tensor weights;           ///< [n] float, what each position counts in the total, and with which sign
  at::Tensor targets;           ///< [n] int64 in [0, V)
  at::Tensor reference_hidden;  ///< [n, D]
  Head reference_head;
};

struct JointLoss {
  at::Tensor total;              ///< scalar, the sum over all parts, in nats; carries the gradient
  std::vector<at::Tensor> each;  ///< by part: [n] loss of each position, nats; no gradient
};

/// Several losses of one step in one: there is one gradient of the head, which is as large as the head.
JointLoss joint_loss(const at::Tensor& hidden, const Head& head, std::vector<LossPart> parts,
                     const ChunkOptions& options = {});

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
