// The recipe of a finished run, for commands that may be started in another folder than the run was.
#pragma once

#include <filesystem>

#include "recipe/recipe.h"

namespace lethe {

/// Reads recipe.yaml. A relative path of a model, a data file or a judge that does not exist from here, but from the
/// folder in which the run was started (run.json), becomes an absolute one.
/// @throws Error (bad input) as load_recipe()
Recipe stored_recipe(const std::filesystem::path& run);

}  // namespace lethe
