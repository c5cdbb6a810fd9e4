// The published settings of the methods that forget and retain at once, one row for each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "recipe/method_table.h"
#include "recipe/settings.h"

namespace lethe {

/// The row of a method; null if it has none. A field without a value is a key that the method does not read.
/// retain_loss is `automatic` where the method has a retain loss of its own.
/// Source: the defaults of OpenUnlearning at d3d7cf9, or of the authors' code (docs/reference/methods.md).
const ObjectiveSettings* objective_defaults(MethodId method);

/// The recipe's section `objective`, with the method's row where the recipe leaves a key to `auto`.
/// @throws Error (internal) if the method has no row
ObjectiveSettings objective_settings(const Recipe& recipe);

/// The source of the safe answers that the recipe's method teaches (SafeAnswers): safe.answers, or "unknown".
std::string taught_answers(const Recipe& recipe);

/// The methods whose row has a value for a key.
std::vector<MethodId> methods_with(const std::function<bool(const ObjectiveSettings&)>& has);

}  // namespace lethe
