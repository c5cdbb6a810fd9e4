// Loads the decoder's weights from a checkpoint, initialises random ones, and writes them to a checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "models/causal_lm.h"
#include "vectors/apply_adapter.h"
#include "vectors/negate.h"

namespace lethe {

class ServingGroup;

struct LoadOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;          ///< compute dtype
  bool nf4 = false;                           ///< the layers' matrices in four bits (nn/nf4.h), frozen
  const AppliedAdapters* adapters = nullptr;  ///< merged in float32, before conversion
  /// On a CPU, weights stored in the compute dtype are memory-mapped, not copied. Processes that use one checkpoint
  /// share them. They must not be written to.
  bool mapped = false;
  /// Ranks that each hold a share of the layers' matrices (models/sharded_layers.h), and read no more of the file than
  /// that; null: this process holds them all. Not with `adapters`. It outlives the model.
  ServingGroup* shards = nullptr;
};

/// Reads all weights, converted to the compute dtype.
/// @throws Error (bad input) for an unknown architecture, or a tensor that is missing, has another shape, or is not
///         used by the architecture
CausalLM load_model(const Checkpoint& checkpoint, const LoadOptions& options = {});
/// The same with a given description, for a body under another head (models/sequence_classifier.h).
CausalLM load_model(const Checkpoint& checkpoint, DecoderSpec description, const LoadOptions& options);

/// Warns in one line about keys of a config.json that have no effect, if any.
void warn_of_ignored_keys(const std::vector<std::string>& keys, const std::string& model_type,
                          const std::filesystem::path& file);

/// The stored tensor of a parameter, with or without the family's optional prefix.
/// @throws Error (bad input) if there is none
const StoredTensor& stored_parameter(const Checkpoint& checkpoint, const DecoderSpec& spec, const std::string& name);

/// A model of config.json with random weights, as transformers initialises them: matrices normal with
/// initializer_range, biases 0, norms 1.
CausalLM random_model(const Json& config, const std::string& where, std::uint64_t seed,
                      at::ScalarType dtype = at::kFloat);

/// The model's weights by their names in this checkpoint (which may leave out the family's optional prefix).
TensorLookup weights_by_name(CausalLM& model);

/// Writes the model's weights with the base's names, dtypes, configuration and tokenizer into `folder` (exists).
void write_like(const Checkpoint& base, CausalLM& model, const std::filesystem::path& folder,
                const ShardOptions& options = {});

/// Writes the weights (float32) and config.json of a model without a base into `folder` (exists). A tied head is stored
/// once.
void write_new(CausalLM& model, const Json& config, const std::filesystem::path& folder);

}  // namespace lethe
