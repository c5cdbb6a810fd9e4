// What a recipe names, looked at before any work is done: whether it is there, and whether the model has it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/checkpoint.h"
#include "recipe/recipe.h"

namespace lethe {

/// A path that a command reads, and what it is called in messages.
struct NamedPath {
  std::string name, path;
};

/// Every file that the recipe reads: config, data, plan, and what an evaluation needs if there is one.
/// @throws Error (bad input) if a judge is neither a file nor one that is shipped
std::vector<NamedPath> paths_of(const Recipe& recipe);

/// Looks for all paths at once, and whether `out` can be written. Patterns ("*.jsonl"), addresses and empty paths are
/// left to whoever reads them.
/// @param models  folders of checkpoints, or names in the Hugging Face cache
/// @param out     the folder to write; may be empty
/// @throws Error (bad input) naming every path that is not there; as check_parent_folder() for `out`
void check_paths(const std::vector<NamedPath>& models, const std::vector<NamedPath>& paths, const std::string& out);

/// Whether this model has what the recipe names in it: lora.targets, training.weights and the patterns of
/// negation.factors. Reads the configuration alone.
/// @throws Error (bad input or usage) naming the key, and what there is
void check_names_of_weights(const Recipe& recipe, const Checkpoint& base);

}  // namespace lethe
