// The plan of an experiment's folder: the settings that all its cells or points share.
#pragma once

#include <filesystem>
#include <string>

#include "recipe/recipe.h"

namespace lethe {

/// The recipe without where it runs and writes, which changes no cell.
Recipe without_place(Recipe recipe);

/// Whether the folder's plan.json is this one. @param what  "cells", "points": of errors
/// @return false if there is no plan yet
/// @throws Error (bad input) if it is of other settings, or of another version, whose figures may mean something else
bool holds_plan(const std::filesystem::path& folder, const std::string& plan, const std::string& what);
void write_plan(const std::filesystem::path& folder, const std::string& plan);

}  // namespace lethe
