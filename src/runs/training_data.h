// Reads the data of a run, splits it by prompt, and reports it to the user.
#pragma once

#include <optional>
#include <vector>

#include "core/run_record.h"
#include "data/plan.h"
#include "data/safe_answers.h"
#include "data/splits.h"
#include "objectives/responses.h"
#include "recipe/recipe.h"

namespace lethe {

/// Harmful and normal pairs, each split, and the rows of data.plan if there is one.
struct RunData {
  ExampleMaker examples;  ///< their tokens, made once
  Split harmful, normal;
  std::vector<StepRows> plan;
  std::optional<SafeAnswers> safe{};  ///< of methods that teach them (Method::safe_answers)
};

/// Reads data.harmful, data.normal and data.plan, and reports what was found and which rows cannot be used. If only a
/// plan is given, its rows are also the data. Inputs are recorded in `run`, which may be null.
/// @throws Error (bad input) if nothing usable is left, a part that is needed is empty, or a pair of the plan has no
///         response token within its length
RunData load_run_data(const Recipe& recipe, ExampleMaker examples, RunRecord* run);

/// Reads safe.answers into data.safe if the recipe's method teaches them; else data.safe is empty. load_run_data() has
/// done this for its recipe. @param run  may be null
/// @throws Error (bad input) as SafeAnswers, or if a harmful training row has no answer
void read_safe_answers(const Recipe& recipe, RunData& data, RunRecord* run);

/// Drops pairs without a response token within the examples' maximum length, and reports how many are dropped and cut.
/// @param run  records it; may be null
void drop_truncated(std::vector<Pair>& pairs, ExampleMaker& examples, const Recipe& recipe, const std::string& name,
                    RunRecord* run = nullptr);

}  // namespace lethe
