// A checkpoint read, changed tensor by tensor, and written under another name, in the memory of its largest tensor.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <string>

#include "formats/checkpoint.h"

namespace lethe {

/// What becomes of one tensor: the new values in the stored type, or an undefined tensor to keep the old ones.
/// @param value  the stored values, in the stored type, not to be written to
using ChangeTensor = std::function<at::Tensor(const StoredTensor& tensor, const at::Tensor& value)>;

/// Writes weights into `folder` (exists) and copies the base's side files. Names, types, order and configuration stay.
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const ChangeTensor& change,
                        const ShardOptions& options = {});

/// Writes one tensor, at once or in parts.
/// @param value  as for ChangeTensor
using WriteTensor = std::function<void(const StoredTensor& tensor, const at::Tensor& value, CheckpointWriter& writer)>;

/// The same for what writes each tensor itself: in pieces, memory need not hold the largest tensor.
void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const WriteTensor& write,
                        const ShardOptions& options = {});

/// f(a, b) on float32 copies of pieces of both (float64 where the stored type is), rounded once to a's type. Both have
/// the same shape; memory is that of the result and of a few pieces.
at::Tensor combine_rounded(const at::Tensor& a, const at::Tensor& b,
                           const std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>& f);

}  // namespace lethe
