// The keys in which two recipes differ, and values as text.
#pragma once

#include <string>
#include <vector>

#include "recipe/keys.h"
#include "recipe/recipe.h"

namespace lethe {

/// The value of a key as one line of YAML: "[q_proj, v_proj]".
std::string value_text(const RecipeKey& key, const Recipe& recipe);

/// The keys whose value is not the default, but which the recipe's method does not read: "sku.k". They change nothing.
std::vector<std::string> unread_keys(const Recipe& recipe);

struct RecipeChange {
  std::string key;            ///< "training.lr"
  std::string before, after;  ///< the values, each as one line of YAML
};

/// In the order of the table of keys; empty for equal recipes.
std::vector<RecipeChange> recipe_changes(const Recipe& before, const Recipe& after);

}  // namespace lethe
