// Attention over a pack: causal and exact over shared prompts, or in both directions.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "nn/attention.h"
#include "nn/flash_attention.h"
#include "nn/packed_batch.h"
#include "nn/padded_attention.h"

namespace lethe {

/// Attention within each row of a pack.
class PackedAttention : public AttentionContext {
 public:
  explicit PackedAttention(const PackedBatch& batch) : segments_(batch.segments) {}
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override;

 private:
  std::vector<Segment> segments_;
  std::optional<FlashPlan> plan_;  // on a GPU
  std::optional<PaddedAttention> padded_;
};

}  // namespace lethe
