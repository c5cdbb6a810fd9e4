// Attention over a pack on a GPU. One call of LibTorch's variable-length kernel computes all rows, a second one the
// shared prompts. Log-sum-exps join the two (docs/explanation/method.md, "Exact attention over a shared prompt").
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

/// Rows concatenated in packed queries and keys, in the kernel's layout: row i has the queries
/// [queries[i], queries[i+1]) and the keys [keys[i], keys[i+1]).
struct PackedRows {
  at::Tensor queries, keys;  ///< [rows + 1] int32, on the device
  std::int64_t most_queries = 0, most_keys = 0;
};

/// Which tokens of a pack attend to which. Built once per pack and used by all layers.
struct FlashPlan {
  PackedRows own;                 ///< each segment by itself
  PackedRows shared;              ///< one row per shared prompt: all its responses, over the prompt's keys
  at::Tensor responses, prompts;  ///< [n] int64: positions of those queries and keys in the pack
  bool has_shared = false;

  FlashPlan() = default;
  FlashPlan(const std::vector<Segment>& segments, at::Device device);
};

/// LibTorch's kernel, or a test's replacement.
struct FlashKernel {
  /// q [T, H, d], k and v [S, G, d] -> attention [T, H, d] and its log-sum-exp [H, T], float32
  std::function<std::pair<at::Tensor, at::Tensor>(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                  const PackedRows& rows, bool causal, double scale)>
      forward;
  /// Given the gradient of the attention, its value and log-sum-exp -> gradients of q, k, v
  std::function<std::tuple<at::Tensor, at::Tensor, at::Tensor>(
      const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& out,
      const at::Tensor& log_sum_exp, const PackedRows& rows, bool causal, double scale)>
      backward;
};
const FlashKernel& engine_flash_kernel();

/// @param q       [T, H, d]; @param k and v [T, G, d], H a multiple of G; 16 bits
/// @param causal  within a segment; false: no segment may share a prompt
/// @return        [T, H, d]
at::Tensor flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const FlashPlan& plan,
                           double scale, bool causal, const FlashKernel& kernel = engine_flash_kernel());

/// Whether the kernel agrees with reference_attention() on this device, for heads of this size. Checks two prompts with
/// continuations, rows without a prompt, rows of one token, grouped heads and all gradients. Tolerance: 0.02 of the
/// largest value.
bool flash_attention_agrees(at::Device device, at::ScalarType type, std::int64_t head,
                            const FlashKernel& kernel = engine_flash_kernel());

/// Whether LibTorch's kernel supports q: 16 bits on a CUDA device, head size a multiple of 8 and at most 256. The first
/// call also compares the kernel with reference_attention() on a small pack, forward and backward. If they differ, it
/// warns, and the reference formula is used instead.
bool flash_attention_takes(const at::Tensor& q);

}  // namespace lethe
