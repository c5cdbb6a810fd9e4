// Cross-entropy and KL over the vocabulary without [T, V] logits: losses and gradients are computed in chunks.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "nn/head.h"

namespace lethe {

struct TokenLoss {
  at::Tensor total;  ///< scalar, Σ weights[i] · loss[i], in nats; carries the gradient
  at::Tensor each;   ///< [N] loss of each position, nats; no gradient
};

/// The loss of n positions [begin, end) of the hidden states: the divergence if `reference_hidden` is defined, else the
/// cross-entropy of `targets`.
struct LossPart {
  std::int64_t begin = 0, end = 0;
  at::Tensor weights;           ///< [n] float, weight and sign of each position in the total
  at::Tensor targets;           ///< [n] int64 in [0, V)
  at::Tensor reference_hidden;  ///< [n, D]
  Head reference_head;
};

struct JointLoss {
  at::Tensor total;              ///< scalar, the sum over all parts, in nats; carries the gradient
  std::vector<at::Tensor> each;  ///< by part: [n] loss of each position, nats; no gradient
};

/// Computes several losses of a step together, so that there is only one gradient of the head (as large as the head).
JointLoss joint_loss(const at::Tensor& hidden, const Head& head, std::vector<LossPart> parts,
                     const ChunkOptions& options = {});

/// Cross-entropy of N positions: loss[i] = −log softmax(logits(hidden[i]))[targets[i]].
/// @param hidden   [N, D]
/// @param targets  [N] int64 in [0, V)
/// @param weights  [N] float, weight of each position in the total
/// Costs two products of size N·V·D with a frozen head, three with a trained one. Nothing is computed twice.
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
