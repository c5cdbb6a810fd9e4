#include "recipe/recipe_bounds.h"

#include "core/error.h"
#include "recipe/keys.h"
#include "recipe/recipe_values.h"

namespace lethe {
namespace {

using recipe_values::shown_number;

void check_number(const std::string& doing, const std::string& label, const RecipeKey& key, double value) {
  if (key.range->holds(value)) return;
  const std::string automatic = key.kind == ValueKind::auto_number || key.kind == ValueKind::layers ? "auto, or " : "";
  throw bad_usage(doing).with("key", label).wanted(automatic + key.range->text()).found(shown_number(value));
}

// An α above 1 must be asked for.
void check_alpha(const std::string& doing, const std::string& label, double alpha, bool any,
                 const std::string& hint = "negation.allow_any_alpha=true") {
  if (alpha <= 1 || any) return;
  throw bad_usage(doing)
      .with("key", label)
      .wanted("at most 1: a larger alpha subtracts more than stage 1 learned, and damages most models")
      .found(shown_number(alpha))
      .hint("to measure it all the same: " + hint);
}

// Values on the command line, where `auto` is not possible.
void check_list(const std::string& option, std::span<const double> values, const RecipeKey& key) {
  for (const double value : values) {
    if (key.range->holds(value)) continue;
    throw bad_usage("cannot use " + option).with("key", key.name).wanted(key.range->text()).found(shown_number(value));
  }
}

}  // namespace

void check_bounds(const Recipe& recipe) {
  const std::string doing = "cannot use this recipe";
  for (const RecipeKey& key : recipe_key_table()) {
    if (!key.range) continue;
    for (const auto& [part, value] : key.numbers(recipe)) check_number(doing, key.name + part, key, value);
  }
  const NegationSettings& negation = recipe.negation;
  check_alpha(doing, "negation.alpha", negation.alpha.value_or(0), negation.allow_any_alpha);
  if (negation.repair.steps > 0)
    check_alpha(doing, "negation.repair.alpha", negation.repair.alpha, negation.allow_any_alpha);
  // AdamW multiplies each weight by 1 − lr · weight_decay.
  if (const double decay = recipe.training.lr * recipe.training.weight_decay; decay > 1)
    throw bad_usage(doing)
        .with("key", "training.weight_decay")
        .wanted("at most 1 / training.lr, at which each step removes the whole weight")
        .found(shown_number(recipe.training.weight_decay) + ", with training.lr " + shown_number(recipe.training.lr));
}

void check_alphas(const std::string& option, std::span<const double> alphas, bool any, const std::string& hint) {
  check_list(option, alphas, key_named("negation.alpha"));
  for (const double alpha : alphas) check_alpha("cannot use " + option, "negation.alpha", alpha, any, hint);
}

void check_budgets(const std::string& option, std::span<const double> budgets) {
  check_list(option, budgets, key_named("negation.kl_budget"));
}

}  // namespace lethe
