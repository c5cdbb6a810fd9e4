// Reads a checkpoint, changes it tensor by tensor and writes it elsewhere, in the memory of its largest tensor.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "formats/adapter.h"
#include "formats/checkpoint.h"

namespace lethe {

/// Returns a tensor's new values in the stored dtype, or an undefined tensor to keep the old ones.
/// @param tensor  type and shape as they will be written, the name as in the base
/// @param value   the stored values, in the stored dtype, read-only
using ChangeTensor = std::function<at::Tensor(const TensorSpec& tensor, const at::Tensor& value)>;

struct RewriteOptions {
  ShardOptions shards;
  /// The result's head differs from its embedding, though the base ties them. Both are written, and config.json says
  /// tie_word_embeddings: false. (It also does if the base's own pair contradicts its configuration.)
  bool unties_head = false;
};

/// A tensor to write, under its name in the base, and the base's tensor that its values come from. They have different
/// names if a tied pair is stored once.
struct WrittenTensor {
  TensorSpec spec;
  const StoredTensor* source;
};
/// What rewrite_checkpoint() writes.
std::vector<WrittenTensor> tensors_to_write(const Checkpoint& base, bool unties_head);

/// Writes weights into `folder` (exists) and copies the base's side files. Dtypes, order and configuration stay. Names
/// stay too, without the wrappers of torch.compile and the like (without_wrappers()), so that transformers can load the
/// result.
/// @throws Error (bad input) naming a weight that is NaN or infinite, whether it was changed or not
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const ChangeTensor& change,
                        const RewriteOptions& options = {});

/// Writes one tensor, at once or in parts.
/// @param tensor, source  as in WrittenTensor
/// @param value           as for ChangeTensor
using WriteTensor = std::function<void(const TensorSpec& tensor, const StoredTensor& source, const at::Tensor& value,
                                       CheckpointWriter& writer)>;

/// The same, but `write` writes and checks each tensor itself. In pieces, memory need not hold the largest tensor.
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const WriteTensor& write,
                        const RewriteOptions& options = {});

/// Writes the adapter's tensors as adapter_model.safetensors, under the names that PEFT reads, into `folder` (exists).
/// Shapes and dtypes stay; tensors without such a name are left out.
/// @param doing   for the error: "cannot negate the adapter …"
/// @param change  returns a tensor's new values in the stored dtype
/// @throws Error (bad input) naming a tensor that is then NaN or infinite
void rewrite_adapter(const Adapter& adapter, const std::filesystem::path& folder, const std::string& doing,
                     const std::function<at::Tensor(const StoredTensor& tensor, const at::Tensor& value)>& change,
                     Access access = Access::normal);

/// f(a, b) on float32 copies of pieces of both (float64 where the stored type is), rounded once to a's type. Both have
/// the same shape; memory is that of the result and of a few pieces.
at::Tensor combine_rounded(const at::Tensor& a, const at::Tensor& b,
                           const std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>& f);

}  // namespace lethe
