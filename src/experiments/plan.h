// The plan of an experiment's folder, plan.json: the settings that all its cells or points share.
#pragma once

#include <filesystem>
#include <string>

#include "recipe/recipe.h"

namespace lethe {

/// The recipe without output folder, device, dtype and threads, in which the cells of one plan may differ.
Recipe without_place(Recipe recipe);

/// Whether the folder's plan.json equals `plan`.
/// @param what  "cells" or "points", for errors
/// @return      false if there is no plan yet
/// @throws Error (bad input) if the plan has other settings, or comes from another version, whose figures may differ
bool holds_plan(const std::filesystem::path& folder, const std::string& plan, const std::string& what);
void write_plan(const std::filesystem::path& folder, const std::string& plan);

}  // namespace lethe
