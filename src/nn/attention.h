// The attention interface and its reference formula. Training implements it over a pack of rows, decoding over a cache.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "nn/packed_batch.h"

namespace lethe {

struct AttentionOptions {
  double scale = 1.0;       ///< factor of the products q·k
  std::int64_t window = 0;  ///< a token attends to this many tokens, itself included; 0: all before it
  double softcap = 0.0;     ///< cap · tanh(score / cap); 0: none
  bool causal = true;       ///< false: every token attends to its whole row (encoders); no row may share a prompt
};

/// Holds the keys and values that queries attend to: a pack in training and scoring, a cache in decoding.
class AttentionContext {
 public:
  virtual ~AttentionContext() = default;
  /// @param layer  index of the layer
  /// @param q      [T, H, d]; @param k [T, G, d]; @param v [T, G, d], H a multiple of G
  /// @return       [T, H, d]
  virtual at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const AttentionOptions& options) = 0;
};

/// The reference formula, segment by segment with an explicit mask. Supports every option, device and dtype. The fast
/// paths are tested against it; windows and soft caps use it.
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const std::vector<Segment>& segments, const AttentionOptions& options);

}  // namespace lethe
