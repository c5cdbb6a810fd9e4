// Checks numbers against the ranges of the table of keys, before data is read or memory is allocated.
#pragma once

#include <span>
#include <string>

#include "recipe/settings.h"

namespace lethe {

/// @throws Error (usage) for the first key whose number is out of range, with wanted and found
void check_bounds(const Recipe& recipe);

/// The same for lists on the command line: values of α or KL budgets that are tried one after the other.
/// @param option  "--alpha", as the user typed it
/// @param any     whether an α above 1 is allowed (negation.allow_any_alpha)
/// @param hint    how the user allows it
void check_alphas(const std::string& option, std::span<const double> alphas, bool any, const std::string& hint);
void check_budgets(const std::string& option, std::span<const double> budgets);

}  // namespace lethe
