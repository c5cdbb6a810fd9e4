// Numbers against the ranges of the table of keys: before data is read or memory is taken.
#pragma once

#include <span>
#include <string>

#include "recipe/settings.h"

namespace lethe {

/// @throws Error (usage) naming the first key whose number is out of range, with wanted and found
void check_bounds(const Recipe& recipe);

/// The same of lists on the command line: α, KL budgets and learning rates that are tried one after the other.
/// @param option  "--alpha", as typed
void check_alphas(const std::string& option, std::span<const double> alphas);
void check_budgets(const std::string& option, std::span<const double> budgets);

}  // namespace lethe
