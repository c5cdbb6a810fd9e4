// Attention over a pack, causal and exact over shared prompts or in both directions, and the interface that lets
// decoding put a cache in its place.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/flash_attention.h"
#include "nn/packed_batch.h"

namespace lethe {

struct AttentionOptions {
  double scale = 1.0;       ///< of the products q·k
  std::int64_t window = 0;  ///< a token sees this many tokens, itself included; 0: all before it
  double softcap = 0.0;     ///< cap · tanh(score / cap); 0: none
  bool causal = true;       ///< false: every token of a row sees the whole row (encoders); no row may share a prompt
};

/// Where a layer's queries meet keys and values: a pack while training or scoring, a cache while decoding.
class AttentionContext {
 public:
  virtual ~AttentionContext() = default;
  /// @param layer  index of the layer
  /// @param q      [T, H, d]; @param k [T, G, d]; @param v [T, G, d], H a multiple of G
  /// @return       [T, H, d]
  virtual at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const AttentionOptions& options) = 0;
};

/// Attention within each row of a pack.
class PackedAttention : public AttentionContext {
 public:
  explicit PackedAttention(const PackedBatch& batch) : segments_(batch.segments) {}
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override;

 private:
  std::vector<Segment> segments_;
  std::optional<FlashPlan> plan_;  // on a GPU
};

/// The plain formula, segment by segment with an explicit mask: any option, any device, any type. What the fast path
/// is held to, and the path of windows and soft caps.
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const std::vector<Segment>& segments, const AttentionOptions& options);

/// The fast path: fused kernels over the prompt once for all the rows that share it, joined by their log-sum-exps; its
/// own backward (see docs/method.md, "Exact attention over a shared prompt"). No window, no soft cap.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<Segment>& segments, double scale, bool causal = true);

}  // namespace lethe
