#include "nn/packed_attention.h"

#include "nn/fused_attention.h"

namespace lethe {

at::Tensor PackedAttention::attend(int, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionOptions& options) {
  // A window at least as long as every row has no effect.
  bool window_matters = false;
  for (const auto& segment : segments_) window_matters |= options.window > 0 && segment.row_length > options.window;
  const bool plain = options.softcap == 0 && !window_matters;
  if (plain && flash_attention_takes(q)) {
    if (!plan_) plan_.emplace(segments_, q.device());
    return flash_attention(q, k, v, *plan_, options.scale, options.causal);
  }
  if (!q.device().is_cpu()) {
    if (!padded_) padded_.emplace(segments_, q.device());
    return padded_->attend(q, k, v, options);
  }
  if (!plain) return reference_attention(q, k, v, segments_, options);
  return fused_attention(q, k, v, segments_, options.scale, options.causal);
}

}  // namespace lethe
