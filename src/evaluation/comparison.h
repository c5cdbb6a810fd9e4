// The results of the original and the unlearned model, and how the second was made. Reports and the verdict read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluation/divergence_meter.h"
#include "evaluation/evaluation.h"
#include "evaluation/judge_check.h"
#include "report/page.h"
#include "training/loop.h"

namespace lethe {

/// Original and unlearned side by side (or one model alone).
struct Comparison {
  ModelResult original;
  std::optional<ModelResult> unlearned;
  std::vector<JudgeSummary> judges;  ///< the first decides
  std::uint64_t seed = 8888;         ///< of the paired tests
};

/// What a report prints beside the figures.
struct ReportContext {
  std::string title;
  AlphaChoice choice;             ///< its curve may be empty
  double budget = 0;              ///< nats a token, for the curve
  std::string recipe;             ///< YAML, or empty
  std::vector<StepRecord> steps;  ///< of training, for the loss curves; may be empty
  std::vector<Section> sections;  ///< further parts of the page, before the answers: agreement of judges, …
  bool json = false;              ///< print the figures as one JSON object instead of the table
};

}  // namespace lethe
