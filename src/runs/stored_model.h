// A model on disk, before its weights are loaded.
#pragma once

#include <string>

#include "architectures/decoder_spec.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "objectives/responses.h"
#include "recipe/recipe.h"
#include "tensors/device.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

struct StoredModel {
  Checkpoint checkpoint;
  Tokenizer tokenizer;
  DecoderSpec spec;

  /// @param name  a folder, or a name in the local Hugging Face cache
  /// @throws Error (bad input) if there is no such model, or its configuration or tokenizer cannot be used
  explicit StoredModel(const std::string& name);
  StoredModel(const StoredModel&) = delete;  // examples() refers to the tokenizer

  /// Turns the recipe's pairs into this model's tokens. This object must outlive the result.
  ExampleMaker examples(const Recipe& recipe) const;
  CausalLM load(const LoadOptions& options) const { return load_model(checkpoint, spec, options); }
};

/// Load options for training by the recipe. With LoRA the weights stay in the file's memory map.
/// @param shards  ranks that each hold a share of the layers' matrices; null: this process holds them all
LoadOptions load_for_training(const Recipe& recipe, const Compute& compute, ServingGroup* shards = nullptr);

}  // namespace lethe
