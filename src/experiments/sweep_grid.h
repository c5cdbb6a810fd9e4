// Recipes that differ from another in a few keys, and the grid of them that `lethe sweep --over` trains.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

/// One such recipe, and how it differs: {"sku.eps_pd", "0.5"} …
struct Variant {
  std::vector<std::pair<std::string, std::string>> settings;
  Recipe recipe;

  /// "sku.eps_pd=0.5 training.lr=1e-4"; empty for the run's own recipe.
  std::string label() const;
};

/// Checks that trainings that differ in this key can be compared: it is a key of a recipe, and not of the data, seed,
/// model or evaluation, which all share. @param doing  the beginning of the error
/// @throws Error (usage); of an unknown key it names similar ones
void check_trained_key(const std::string& name, const std::string& doing);

/// Every combination of the values; the last key changes fastest. Without keys: only the base.
/// @param over  each "KEY=V1,V2,…"; a comma within brackets or braces belongs to a value
/// @throws Error (usage) for a key that is unknown or given twice; an invalid value; a key that changes the basis of
///   the comparison (data, seed, model, evaluation: all points share one split); a key that needs no training
///   (negation.alpha, negation.kl_budget: --alpha, --budgets); more than 1,000 combinations
std::vector<Variant> grid_of(const std::vector<std::string>& over, const Recipe& base);

}  // namespace lethe
