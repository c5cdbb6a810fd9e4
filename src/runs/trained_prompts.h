// What the runs that wrote a model trained on, and which model they began with.
#pragma once

#include <string>
#include <vector>

#include "data/questions.h"

namespace lethe {

struct RunTraining {
  std::vector<Question> prompts;      ///< harmful and normal, each with its place
  std::vector<std::string> cautions;  ///< what could not be checked or does not fit, a sentence each
};

/// Of all runs of `lethe unlearn` that wrote one of these folders, and of the runs that wrote what those began with.
/// @param written   folders of models and adapters, also as "FOLDER:0.5"
/// @param original  the model to compare with; should be one that they began with. Empty: there is none
RunTraining training_of_runs(const std::vector<std::string>& written, const std::string& original);

}  // namespace lethe
