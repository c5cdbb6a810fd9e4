// The keys in which two recipes differ.
#pragma once

#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

struct RecipeChange {
  std::string key;            ///< "training.lr"
  std::string before, after;  ///< the values, each as one line of YAML
};

/// In the order of the table of keys; empty for equal recipes.
std::vector<RecipeChange> recipe_changes(const Recipe& before, const Recipe& after);

}  // namespace lethe
