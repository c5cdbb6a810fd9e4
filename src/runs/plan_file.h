// plan.json: the settings that all parts in a folder share, so that results of other settings are not mixed with them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

/// The recipe without output folder, device, dtype, threads and cache, in which the cells of one plan may differ.
Recipe without_place(Recipe recipe);

/// Whether the folder's plan.json equals `plan`.
/// @param what  "cells", "points" or "attacks", for errors
/// @return      false if there is no plan yet
/// @throws Error (bad input) if the plan has other settings, or comes from another version, whose figures may differ
bool holds_plan(const std::filesystem::path& folder, const std::string& plan, const std::string& what);
void write_plan(const std::filesystem::path& folder, const std::string& plan);

/// For experiments with a folder of their own: whether it holds this plan.
/// @throws Error (bad input) if it holds anything else
bool goes_on_in(const std::filesystem::path& out, const std::string& plan, const std::string& what);
/// The same, and makes the folder with this plan and these folders within if there is none.
void open_experiment(const std::filesystem::path& out, const std::string& plan, const std::string& what,
                     const std::vector<std::string>& folders);

}  // namespace lethe
