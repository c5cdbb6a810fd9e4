// The data of a run: files read, split by prompt, reported to the user.
#pragma once

#include <vector>

#include "core/run_record.h"
#include "data/plan.h"
#include "data/splits.h"
#include "objectives/responses.h"
#include "recipe/recipe.h"

namespace lethe {

/// Harmful and normal pairs, each split; a plan's rows where the recipe fixes them.
struct RunData {
  ExampleMaker examples;  ///< their tokens, made once
  Split harmful, normal;
  std::vector<StepRows> plan;
};

/// Reads data.harmful, data.normal and data.plan; says what was found, and names rows that cannot be used. A plan alone
/// stands for the data too. Inputs are noted in `run`, if there is one.
/// @throws Error (bad input) if nothing usable is left, a part that is needed is empty, or a pair of the plan has no
///         response token within its length
RunData load_run_data(const Recipe& recipe, ExampleMaker examples, RunRecord* run);

/// Drops pairs without a response token within the length of the examples, says how many are dropped and cut, and notes
/// it in `run`, if there is one.
void drop_truncated(std::vector<Pair>& pairs, ExampleMaker& examples, const Recipe& recipe, const std::string& name,
                    RunRecord* run = nullptr);

}  // namespace lethe
