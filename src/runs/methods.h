// The methods of `lethe unlearn` at work: what each minimises, and how it draws its rows.
#pragma once

#include <functional>
#include <memory>

#include "data/sampler.h"
#include "objectives/objective.h"
#include "objectives/preservation_divergence.h"
#include "recipe/method_table.h"
#include "recipe/recipe.h"

namespace lethe {

/// What an objective reads in training. All of it outlives the objective.
struct ObjectiveInputs {
  CausalLM& model;
  ExampleMaker& examples;
  Reference* reference;                           ///< θ_o on normal pairs; may be null where the method needs none
  std::function<StepRows(std::uint64_t)> rows{};  ///< of each micro-batch
};

/// What the recipe's method minimises, with the method's own settings.
std::unique_ptr<Objective> make_objective(const Recipe& recipe, ObjectiveInputs inputs);

/// How the recipe's method draws its rows.
SamplerOptions sampler_options(const Recipe& recipe);

}  // namespace lethe
