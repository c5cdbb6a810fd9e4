// The table of keys for people: a commented recipe, and the reference page docs/recipe.md.
#pragma once

#include <string>

#include "recipe/keys.h"

namespace lethe {

/// Every key with its sentence, its range and its default, as YAML that load_recipe() takes.
/// @param method  null: all keys, with the default method; otherwise the keys that this method reads
std::string commented_recipe(const Method* method = nullptr);

/// docs/recipe.md
std::string recipe_page();

}  // namespace lethe
