// Finds the run that wrote a model or an adapter.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/safe_answers.h"

namespace lethe {

/// The run that wrote this folder (RUN/model, RUN/adapter, RUN/harmful); empty if none did. A link to RUN/model counts,
/// and so does a RUN/model that is itself a link to another disk.
std::filesystem::path run_of(const std::filesystem::path& written);

/// The folder in "FOLDER:0.5".
std::filesystem::path without_weight(const std::string& adapter);

/// The safe answers that the first of these runs taught which taught any; null if none did. Answers that cannot be read
/// any more cause a warning.
/// @param written  folders of models and adapters, also as "FOLDER:0.5"
std::shared_ptr<const SafeAnswers> answers_taught_by_runs(const std::vector<std::string>& written);

}  // namespace lethe
