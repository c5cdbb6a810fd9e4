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

/// How the recipe's pairs become tokens for a model: rows of at most data.max_length tokens, and never more than the
/// model has positions. @param positions  DecoderSpec::max_positions; 0: no bound
ExampleOptions fitted_options(const Recipe& recipe, std::int64_t positions);

/// Reads data.harmful, data.normal and data.plan; says what was found, and names rows that cannot be used. A plan alone
/// stands for the data too. Inputs are noted in `run`, if there is one.
/// @throws Error (bad input) if nothing usable is left, a part that is needed is empty, or a pair of the plan has no
///         response token within its length
RunData load_run_data(const Recipe& recipe, ExampleMaker& examples, RunFolder* run);

/// Reads files of one role, all pairs.
std::vector<Pair> load_reported(const std::vector<DataSource>& sources, Role role, const std::string& name,
                                RunFolder* run);

/// Drops pairs without a response token within the length of the examples, says how many are dropped and cut, and notes
/// it in `run`, if there is one.
void drop_truncated(std::vector<Pair>& pairs, ExampleMaker& examples, const Recipe& recipe, const std::string& name,
                    RunFolder* run = nullptr);

/// What of a file was not used, with the lines of rows that could not be: for the report.
void note_left_out(const FileReport& file, RunFolder& run);

}  // namespace lethe
