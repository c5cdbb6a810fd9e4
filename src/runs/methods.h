// The methods of `lethe unlearn`: the objective of each, and how it draws rows.
#pragma once

#include <functional>
#include <memory>

#include "data/sampler.h"
#include "objectives/objective.h"
#include "objectives/preservation_divergence.h"
#include "recipe/method_table.h"
#include "recipe/recipe.h"

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

/// How the recipe's method draws its rows.
SamplerOptions sampler_options(const Recipe& recipe);

}  // namespace lethe
