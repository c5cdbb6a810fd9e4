// How much of a change of weights is left when the weights are stored in four bits (NF4).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "formats/checkpoint.h"
#include "vectors/apply_adapter.h"

namespace lethe {

/// Of the layers' matrices, which four-bit loaders pack. Q is NF4 in blocks of 64 (nn/nf4.h), δ = changed − original.
struct Nf4Change {
  std::uint64_t weights = 0;     ///< all of them
  std::uint64_t other_code = 0;  ///< those whose four-bit code differs
  double along = 0;    ///< Σ δ·(Q(changed) − Q(original)): the change that is left, in the direction of δ
  double length2 = 0;  ///< Σ δ²
  double error2 = 0;   ///< Σ (Q(changed) − Q(original) − δ)²

  /// Adds one matrix. @param original, changed  of the same shape, in any floating type
  void add(const at::Tensor& original, const at::Tensor& changed);
  double code_share() const;  ///< other_code / weights; 0 without weights
  double kept() const;        ///< along / length2: 1 if the rounding loses nothing of δ on average; 0 without a change
  double noise() const;       ///< √(error2 / length2): the rounding's own error, as a multiple of δ's length
  std::string text() const;   ///< "12.3% of 1,234 weights change their code; on average …"
};

/// Compares two checkpoints of the same architecture, matrix by matrix.
/// @param adapters  merged into `changed`, whose base they then belong to; nullptr: none
/// @throws Error (bad input) as load_model(), or if the matrices have different shapes
Nf4Change nf4_change(const Checkpoint& original, const Checkpoint& changed, const AppliedAdapters* adapters = nullptr);
/// The same of a result in a folder: a checkpoint, or an adapter of the original.
Nf4Change nf4_change_of(const Checkpoint& original, const std::filesystem::path& result, bool is_adapter);

}  // namespace lethe
