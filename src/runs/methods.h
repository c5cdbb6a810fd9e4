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

/// How this method draws its rows.
SamplerOptions sampler_options(const Recipe& recipe);

/// @param reference  may be null where the method needs none
std::unique_ptr<Objective> make_objective(const Recipe& recipe, CausalLM& model, ExampleMaker& examples,
                                          Reference* reference, std::function<StepRows(std::uint64_t)> rows);

}  // namespace lethe
