// The data of a run: files read, split by prompt, told to the user.
#pragma once

#include <vector>

#include "data/plan.h"
#include "data/splits.h"
#include "objectives/responses.h"
#include "runs/recipe.h"

namespace lethe {

class RunFolder;

/// Harmful and normal pairs, each split; a plan's rows where the recipe fixes them.
struct RunData {
  Split harmful, normal;
  std::vector<StepRows> plan;
};

/// Reads data.harmful, data.normal and data.plan; says what was found, and names rows that cannot be used. A plan alone
/// stands for the data too. Inputs are noted in `run`, if there is one.
/// @throws Error (bad input) if nothing usable is left, or a part that is needed is empty
RunData load_run_data(const Recipe& recipe, ExampleMaker& examples, RunFolder* run);

/// Reads files of one role, all pairs.
std::vector<Pair> load_reported(const std::vector<DataSource>& sources, Role role, const std::string& name,
                                RunFolder* run);

/// Drops pairs without a response token within max_length, says how many, and notes it in `run`, if there is one.
void drop_truncated(std::vector<Pair>& pairs, ExampleMaker& examples, const std::string& name,
                    RunFolder* run = nullptr);

/// What of a file was not used, with the lines of rows that could not be: for the report.
void note_left_out(const FileReport& file, RunFolder& run);

}  // namespace lethe
