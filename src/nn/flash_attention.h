// Attention over a pack on a GPU: all rows in one call of the engine's kernel for rows of different lengths, shared
// prompts in a second one, joined by their log-sum-exps (docs/explanation/method.md, "Exact attention over a shared
// prompt").
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

/// Rows one behind the other in packed queries and keys, as the kernel wants them: row i has the queries
/// [queries[i], queries[i+1]) and the keys [keys[i], keys[i+1]).
struct PackedRows {
  at::Tensor queries, keys;  ///< [rows + 1] int32, on the device
  std::int64_t most_queries = 0, most_keys = 0;
};

/// What attends to a pack's tokens: made once a pack, so that layers only refer to it.
struct FlashPlan {
  PackedRows own;                 ///< each segment by itself
  PackedRows shared;              ///< responses that follow one prompt as one row, over the prompt's keys
  at::Tensor responses, prompts;  ///< [n] int64: where those queries and keys stand in the pack
  bool has_shared = false;

  FlashPlan() = default;
  FlashPlan(const std::vector<Segment>& segments, at::Device device);
};

/// The engine's kernel, or what a test puts in its place.
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

/// Whether the kernel gives what reference_attention() gives on this device, for heads of this size: two prompts with
/// continuations and rows of their own, grouped heads, all gradients. To two hundredths of the largest number.
bool flash_attention_agrees(at::Device device, at::ScalarType type, std::int64_t head,
                            const FlashKernel& kernel = engine_flash_kernel());

/// Whether the engine's kernel takes these: 16 bits on a CUDA device, heads of at most 256 numbers, a multiple of 8.
/// Asked for the first time, it is also held to reference_attention() on a small pack, forward and back; where that
/// fails, a warning says so, and the plain formula computes instead.
bool flash_attention_takes(const at::Tensor& q);

}  // namespace lethe
