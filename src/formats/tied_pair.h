// The input embedding and the output head of a checkpoint: one weight, or two.
#pragma once

#include <optional>
#include <string>

#include "core/json.h"
#include "formats/checkpoint.h"

namespace lethe {

/// tie_word_embeddings as transformers reads it: the key, or the default of the family. Nothing for an unknown family.
std::optional<bool> says_tied(const Json& config);

struct TiedPair {
  const StoredTensor* embedding = nullptr;  ///< the tensor of the input embedding
  const StoredTensor* head = nullptr;       ///< the tensor of the head; the same one if a tied pair is stored once
  /// Their names in this checkpoint; for an unstored one, the name it would have.
  std::string embedding_name, head_name;
  /// Whether they are one weight. The configuration must say so. If both are stored, their values must be equal;
  /// otherwise the configuration is wrong and the file's values are used.
  /// Source: transformers 5.23, PreTrainedModel.tie_weights().
  bool tied = false;
  /// Whether the configuration says tied but the file holds two weights.
  bool contradicts_config = false;
};

/// Compares the values if the configuration says tied and both are stored. The checkpoint caches the result, so the
/// first call must not race with another.
/// @throws Error (bad input) if one of them is stored under two names
const TiedPair& tied_pair(const Checkpoint& checkpoint);

}  // namespace lethe
