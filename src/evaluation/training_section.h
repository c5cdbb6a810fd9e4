// The evaluations during training, as a part of the report.
#pragma once

#include <string>
#include <vector>

#include "report/page.h"
#include "training/loop.h"

namespace lethe {

/// The validation figures over the steps that were measured (runs/stage1_evaluation.h), in three plots: shares of
/// prompts, KL and loss. Empty if no step was measured.
/// @param budget  of the KL, nats a token: a line in its plot
/// @param end     TrainingEnd::text()
std::vector<Section> evaluation_sections(const std::vector<StepRecord>& steps, double budget, const std::string& end);

}  // namespace lethe
