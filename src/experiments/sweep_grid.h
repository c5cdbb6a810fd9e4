// The grid of `lethe sweep --over`: recipes that differ from a run's in a few keys.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

/// One recipe of the grid, and how it differs: {"sku.eps_pd", "0.5"} …
struct Variant {
  std::vector<std::pair<std::string, std::string>> settings;
  Recipe recipe;

  /// "sku.eps_pd=0.5 training.lr=1e-4"; empty for the run's own recipe.
  std::string label() const;
};

/// Every combination of the values, the last key changing fastest. Without keys: the base alone.
/// @param over  "KEY=V1,V2,…" each; a comma within brackets or braces does not part
/// @throws Error (usage) for a key that is unknown or given twice, a value that cannot be, a key that would change what
///   is compared (data, seed, model, evaluation: all points share one split) or costs no training (negation.alpha,
///   negation.kl_budget: --alpha, --budgets), more than 1,000 combinations
std::vector<Variant> grid_of(const std::vector<std::string>& over, const Recipe& base);

}  // namespace lethe
