// A checkpoint read, changed tensor by tensor, and written under another name, in the memory of its largest tensor.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <string>

#include "formats/checkpoint.h"

namespace lethe {

/// What becomes of one tensor: the new values in the stored type, or an undefined tensor to keep the old ones.
/// @param tensor  type and shape as they will be written, the name as in the base
/// @param value   the stored values, in the stored type, not to be written to
using ChangeTensor = std::function<at::Tensor(const TensorSpec& tensor, const at::Tensor& value)>;

struct RewriteOptions {
  ShardOptions shards;
  /// The result's head has other values than its embedding, though the base's are one weight: both are written, and
  /// config.json says tie_word_embeddings: false. (It says so too where the base's own pair contradicts it.)
  bool unties_head = false;
};

/// Writes weights into `folder` (exists) and copies the base's side files. Types, order and configuration stay; so do
/// names, but for what torch.compile and the like wrap around them (without_wrappers()), so that transformers can load
/// the result.
/// @throws Error (bad input) naming a weight that is NaN or infinite, whether it was changed or not
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const ChangeTensor& change,
                        const RewriteOptions& options = {});

/// Writes one tensor, at once or in parts.
/// @param tensor  type and shape as they will be written, the name as in the base
/// @param source  the base's tensor that the values are of: another name where a tied pair is stored once
/// @param value   as for ChangeTensor
using WriteTensor = std::function<void(const TensorSpec& tensor, const StoredTensor& source, const at::Tensor& value,
                                       CheckpointWriter& writer)>;

/// The same for what writes (and checks) each tensor itself: in pieces, memory need not hold the largest tensor.
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const WriteTensor& write,
                        const RewriteOptions& options = {});

/// f(a, b) on float32 copies of pieces of both (float64 where the stored type is), rounded once to a's type. Both have
/// the same shape; memory is that of the result and of a few pieces.
at::Tensor combine_rounded(const at::Tensor& a, const at::Tensor& b,
                           const std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>& f);

}  // namespace lethe
