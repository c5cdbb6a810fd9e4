// The input embedding and the output head of a checkpoint: one weight, or two.
#pragma once

#include <optional>
#include <string>

#include "core/json.h"
#include "formats/checkpoint.h"

namespace lethe {

/// tie_word_embeddings as transformers reads it: the key, or the default of the family. Nothing where the family is
/// not known.
std::optional<bool> says_tied(const Json& config);

struct TiedPair {
  const StoredTensor* embedding = nullptr;  ///< whose values the input embedding has
  const StoredTensor* head = nullptr;  ///< whose values the head has: the same tensor where a tied pair is stored once
  /// What both are called in this checkpoint; of one that is not stored: what it would be called.
  std::string embedding_name, head_name;
  /// Whether they are one weight. The configuration must say so, and a pair of which both are stored must have equal
  /// values: otherwise the configuration is wrong, and the file's values count.
  /// Source: transformers 5.23, PreTrainedModel.tie_weights().
  bool tied = false;
  /// Whether the configuration promises a tied pair and the file holds two weights.
  bool contradicts_config = false;
};

/// Compares the values of both where the configuration says that they are tied and both are stored: once, the
/// checkpoint keeps the answer (so the first call must not race with another).
/// @throws Error (bad input) if one of them is stored under two names
const TiedPair& tied_pair(const Checkpoint& checkpoint);

}  // namespace lethe
