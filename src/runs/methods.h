// The methods of `lethe unlearn`: the objective of each, and how it draws rows.
#pragma once

#include <functional>
#include <memory>

#include "data/sampler.h"
#include "objectives/objective.h"
#include "objectives/preservation_divergence.h"
#include "recipe/method_table.h"
#include "recipe/recipe.h"
#include "report/publishing_limits.h"

namespace lethe {

/// The inputs of an objective. All must outlive the objective.
struct ObjectiveInputs {
  CausalLM& model;
  ExampleMaker& examples;
  Reference* reference;                           ///< θ_o on normal pairs; may be null where the method needs none
  std::function<StepRows(std::uint64_t)> rows{};  ///< of each micro-batch
};

/// The objective of the recipe's method, with the method's settings.
std::unique_ptr<Objective> make_objective(const Recipe& recipe, ObjectiveInputs inputs);

/// Whether the method teaches the model harm, to subtract it: SKU, the task vector, and contrast unless safe.ratio is
/// 0.
bool learns_harm(const Recipe& recipe);
/// negation.rounds where the method negates what it learned, else 1.
std::int64_t rounds_of(const Recipe& recipe);
/// How the unlearned model comes about.
Origin origin_of(const Recipe& recipe);

/// The two trainings of contrast as recipes of their own: the harmful half by the method of safe.harm, the safe half
/// with safe.steps and safe.lr.
Recipe harmful_half(Recipe recipe);
Recipe safe_half(Recipe recipe);

/// How the recipe's method draws its rows.
SamplerOptions sampler_options(const Recipe& recipe);

}  // namespace lethe
