// Writes a recipe as YAML, with all keys or with those of an older file.
#pragma once

#include <string>

#include "recipe/settings.h"

namespace lethe {

/// The keys that the YAML of an older recipe holds, with this recipe's values and in to_yaml()'s order: what the
/// version that wrote `older` would write for this recipe.
/// @throws Error (bad input) if `older` is not YAML
std::string to_yaml_with_keys_of(const Recipe& recipe, const std::string& older);

/// Every key. The same as to_yaml() (recipe.h).
std::string all_keys_as_yaml(const Recipe& recipe);

}  // namespace lethe
