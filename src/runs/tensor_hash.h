// Identifies models and task vectors by their tensors.
#pragma once

#include <filesystem>
#include <string>

#include "formats/checkpoint.h"
#include "formats/vector_info.h"

namespace lethe {

/// A hash (SHA-256, 64 hexadecimal digits) of all tensors of a checkpoint: names, types, shapes and values, in the
/// order of the names. Shards, their order and other files do not matter. Reads all values once, on all threads, with a
/// progress bar; memory does not grow with the model.
/// @param name  for the progress bar
std::string tensor_hash(const Checkpoint& checkpoint, const std::string& name);
/// The same of the tensors in a vector's folder; of an adapter also of its configuration, which holds its scale. The
/// folder needs no vector.json.
std::string hash_of_vector(const std::filesystem::path& folder, VectorKind kind, const std::string& name);

}  // namespace lethe
