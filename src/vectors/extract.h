// Makes task vectors: τ = θ_tuned − θ_o of two checkpoints, or the pairs of an adapter.
// Source: Ilharco et al. 2023, "Editing Models with Task Arithmetic".
#pragma once

#include <filesystem>

#include "core/file_writer.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"

namespace lethe {

enum class StoreAs {
  float32,  ///< the difference in float32, as `negate` computes it (float64 where the base is)
  base      ///< the same, rounded once to the base's type: half the size for a 16-bit base
};

/// Writes vector.safetensors into `folder` (exists), tensor by tensor: the differences of all weights, under the base's
/// names. Tables and integer tensors are left out.
/// @return whether the base ties its head and the tuned checkpoint does not; then both are in the file
/// @throws Error (bad input) naming a tensor that only one side has, whose shapes differ, or whose difference is NaN,
///         infinite or too large for the type
bool extract_weights(const Checkpoint& base, const Checkpoint& tuned, StoreAs type, const std::filesystem::path& folder,
                     Access access);

/// Writes the adapter's configuration and tensors into `folder` (exists), under the names that PEFT loads.
/// @param factor  of the vector: B and biases are multiplied by it and rounded once; 1 keeps all bits
/// @throws Error (bad input) for values that are NaN or infinite; for DoRA or replaced tensors if the factor is not 1
void extract_adapter(const Adapter& adapter, double factor, const std::filesystem::path& folder, Access access);

}  // namespace lethe
