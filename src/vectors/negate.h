// Task vector negation (SKU stage 2): θ_o − α·(θ_tuned − θ_o), in float32, rounded once to the base's type.
// Source: Liu et al. 2024, section 3.2; Ilharco et al. 2023.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <string>

#include "formats/adapter.h"
#include "formats/checkpoint.h"

namespace lethe {

/// Tuned values of a tensor by its checkpoint name, in any floating type; undefined if there is none.
using TensorLookup = std::function<at::Tensor(const std::string& name)>;

/// Writes the negated checkpoint, tensor by tensor, into `folder` (exists). Configuration, tokenizer, names and dtypes
/// are the base's. Integer tensors are copied. A tied head that only one side stores is paired with the other side's
/// embedding.
/// @throws Error (bad input) naming a tensor that only one side has, or whose shapes differ
void negate_checkpoint(const Checkpoint& base, const Checkpoint& tuned, double alpha,
                       const std::filesystem::path& folder, Access access = Access::normal);
/// The same with the tuned weights in memory.
void negate_checkpoint(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                       const std::filesystem::path& folder, const ShardOptions& options = {});

/// Writes the negated adapter into `folder` (exists): B' = −α·B under the same configuration, saved tensors θ_o −
/// α·(θ_saved − θ_o). Base plus adapter is exactly the negated model.
/// @throws Error (bad input) for DoRA, whose negation is no adapter (merge it with −α instead)
void negate_adapter(const Checkpoint& base, const Adapter& adapter, double alpha, const std::filesystem::path& folder,
                    Access access = Access::normal);

}  // namespace lethe
