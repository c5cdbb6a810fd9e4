// What a dry run can try of the evaluation without loading weights: which prompts are left, and whether the judge may
// decide.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "evaluation/evaluation_sets.h"
#include "judges/panel.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"

namespace lethe {

/// Why the judge that decides will decide nothing; none if it passes its checks, or if it cannot be tried at once (a
/// guard model, a server, a sentence encoder).
/// @param panel  opens the judges of such a recipe
/// @throws Error (bad input) if the judge cannot be opened or trained
std::vector<std::string> try_judge(const Recipe& recipe, const EvaluationSets& sets,
                                   const std::function<Panel(const Recipe&)>& panel);

/// All that will keep an unlearning run from a verdict, as its evaluation will find it. @throws Error as the run would
std::vector<std::string> rehearse_evaluation(const Recipe& recipe, const StoredModel& original, const RunData& data);

}  // namespace lethe
