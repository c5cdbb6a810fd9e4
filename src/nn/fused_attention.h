// Attention over shared prompts with LibTorch's fused CPU kernel.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

/// Fused kernels over the prompt once for all the rows that share it, joined by their log-sum-exps; its
/// own backward (see docs/explanation/method.md, "Exact attention over a shared prompt"). No window, no soft cap.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<Segment>& segments, double scale, bool causal = true);

}  // namespace lethe
