// Adds weighted task vectors to their base: θ_o + Σ w·τ, rounded once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/file_writer.h"
#include "formats/checkpoint.h"
#include "vectors/apply_adapter.h"
#include "vectors/stored_vector.h"

namespace lethe {

/// Writes the sum as a checkpoint into `folder` (exists), tensor by tensor. Σ w·τ is added in float64, then rounded to
/// float32 and added to the base there, then rounded to the base's type: with one vector of weight −α, and vectors
/// stored in float32, the same bits as negate_checkpoint(). (All in float64 where the base is.) Adapters add their
/// B·A, formed in float32.
/// @param vectors  of either kind; none: a copy of the base
/// @throws Error (bad input) naming a tensor that a vector or the base lacks, whose shapes differ, or whose sum is NaN,
///         infinite or too large for the type; for a weight that float32 does not hold
void combine_to_checkpoint(const Checkpoint& base, const std::vector<WeightedVector>& vectors,
                           const std::filesystem::path& folder, Access access);

struct StackOptions {
  std::string base_model;  ///< base_model_name_or_path of the result
  std::int64_t rank = 0;   ///< keeps the strongest directions of each module's sum; 0: all, exactly
  Access access = Access::normal;
};

/// Writes Σ w·τ of adapters as one adapter into `folder` (exists), in float32. The A of a module are stacked, and so
/// are the B, each times its weight and scale (one rounding). The rank of a module is the sum of the adapters' ranks.
/// @throws Error (bad input) for adapters that hold more than low-rank pairs (DoRA, biases, replaced tensors), or do
///         not fit the base
void stack_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder, const StackOptions& options);

}  // namespace lethe
