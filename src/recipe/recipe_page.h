// Prints the table of keys: as a commented recipe, and as the reference page docs/recipe.md.
#pragma once

#include <string>

#include "recipe/keys.h"

namespace lethe {

/// Every key with its sentence, range and default, as YAML that load_recipe() reads.
/// @param method  prints only the keys that this method reads; null: all keys, with the default method
std::string commented_recipe(const Method* method = nullptr);

/// The text of docs/recipe.md.
std::string recipe_page();

}  // namespace lethe
