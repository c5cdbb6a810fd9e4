// A loss for each position, with gradient, without [N, V] logits: for objectives that combine the losses of tokens
// other than by a weighted sum.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

#include "nn/head.h"

namespace lethe {

/// The losses of positions [begin, end): differentiable in the logits. Row i of the result must depend on row i of the
/// logits alone. It is called again in the backward pass of a trained head, and must then give the same result: what it
/// captures must live until then.
/// @param logits  [n, V] float32 (float64 if the hidden states are), n = end − begin
/// @return        [n]
using LogitFormula = std::function<at::Tensor(const at::Tensor& logits, std::int64_t begin, std::int64_t end)>;

/// The loss of each position, with gradient to the hidden states and to the head. The forward pass also computes the
/// gradient of each row, which the backward pass scales. Only for a trained head, the backward pass computes the logits
/// again. Memory: the logits of one chunk a few times, and N·D.
/// @param hidden  [N, D]
/// @return        [N], float32 (float64 if the hidden states are)
at::Tensor loss_of_each(const at::Tensor& hidden, const Head& head, const LogitFormula& formula,
                        const ChunkOptions& options = {});

/// −log softmax(logits(hidden[i]))[targets[i]] of each position, nats, with gradient as above.
/// @param targets  [N] int64 in [0, V)
at::Tensor cross_entropy_of_each(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                                 const ChunkOptions& options = {});

}  // namespace lethe
