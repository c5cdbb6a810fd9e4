// Checks before any work whether the files and modules that a recipe names exist.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/checkpoint.h"
#include "recipe/recipe.h"

namespace lethe {

/// A path that a command reads, and its name in messages.
struct NamedPath {
  std::string name, path;
};

/// Every file that the recipe reads: config, data, plan, and the files of its evaluation.
/// @throws Error (bad input) if a judge is neither a file nor a shipped judge
std::vector<NamedPath> paths_of(const Recipe& recipe);
/// Every model that the recipe reads: the original, and those of learned metrics.
std::vector<NamedPath> models_of(const Recipe& recipe);

/// Reads the further evaluation files of the recipe, as a run will. @throws Error (bad input) if one cannot be used
void check_further_sets(const Recipe& recipe);

/// Looks for all paths at once, and checks whether `out` can be written. Patterns ("*.jsonl"), addresses and empty
/// paths are not checked.
/// @param models  folders of checkpoints, or names in the Hugging Face cache
/// @param out     the folder to write; may be empty
/// @throws Error (bad input) naming every missing path; as check_parent_folder() for `out`
void check_paths(const std::vector<NamedPath>& models, const std::vector<NamedPath>& paths, const std::string& out);

/// Checks that this model has the modules and weights that lora.targets, training.weights and negation.factors name.
/// Reads only the configuration.
/// @throws Error (bad input or usage) naming the key, and the names that exist
void check_names_of_weights(const Recipe& recipe, const Checkpoint& base);

}  // namespace lethe
