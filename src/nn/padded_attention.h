// Attention over a pack with windows, soft caps or float32 on a GPU, where LibTorch has no kernel for them: the plain
// formula over rows padded to one length, in a few launches however many rows there are.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <vector>

#include "nn/attention.h"

namespace lethe {

/// Built once per pack and used by all layers. Segments of similar length share a group, so that little is padding.
class PaddedAttention {
 public:
  PaddedAttention(const std::vector<Segment>& segments, at::Device device);

  /// The values of reference_attention(). Differentiable; gradients are added in a fixed order.
  /// @param q  [T, H, d]; @param k and v [T, G, d], H a multiple of G; @return [T, H, d]
  at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionOptions& options);
  /// How many groups there are: launches grow with it.
  std::size_t groups() const { return groups_.size(); }

 private:
  struct Group {
    std::int64_t rows = 0, queries = 0, keys = 0;  // R segments, padded to n queries and m keys
    at::Tensor query_tokens, key_tokens;           // [R·n] and [R·m] int64: tokens of the pack
    at::Tensor last_key, key_count;                // [R, n] and [R, 1] int64: the last key that a query sees; keys
    std::map<std::pair<bool, std::int64_t>, at::Tensor> hidden;  // by causality and window: [R, 1, 1, n, m] bool
  };
  static const at::Tensor& hidden(Group& group, const AttentionOptions& options);
  std::vector<Group> groups_;
  at::Tensor places_;  // [T] int64: each token's query in the groups laid end to end
};

}  // namespace lethe
