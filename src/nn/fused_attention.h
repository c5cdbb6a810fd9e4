// Attention over shared prompts with LibTorch's fused CPU kernel.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

/// Attends to a shared prompt once for all its rows and joins the parts by their log-sum-exps. Has its own backward
/// pass (docs/explanation/method.md, "Exact attention over a shared prompt"). No window, no soft cap.
/// @param q  [T, H, d]; @param k and v [T, G, d]; @return [T, H, d]
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<Segment>& segments, double scale, bool causal = true);

}  // namespace lethe
