// How large a task vector is, part by part of the model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "vectors/stored_vector.h"

namespace lethe {

/// Parts of a model and the Euclidean norm of the vector's tensors in each: "embedding", "layer 0", "layer 1", …,
/// "head", "other" (the final norm and what else has no layer). Parts without tensors are left out. An adapter's norm
/// is that of its products scale · B·A, which are never formed; biases and replaced tensors do not count.
using PartNorms = std::vector<std::pair<std::string, double>>;

/// Reads all values, with a progress bar. @throws Error (bad input) naming a tensor that is NaN or infinite
PartNorms part_norms(const StoredVector& vector);

/// √Σ norm² of all parts.
double whole_norm(const PartNorms& parts);

/// The same norms with consecutive layers joined to at most `groups` parts of nearly equal size: "layers 0-7".
PartNorms joined_layers(const PartNorms& parts, std::size_t groups);

}  // namespace lethe
