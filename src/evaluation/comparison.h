// The results of the original and the unlearned model, and how the second was made. Reports and the verdict read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluation/choose_alpha.h"
#include "evaluation/evaluation.h"
#include "evaluation/judge_check.h"
#include "evaluation/robustness.h"
#include "report/page.h"
#include "report/publishing_limits.h"
#include "training/loop.h"

namespace lethe {

/// Original and unlearned side by side (or one model alone).
struct Comparison {
  ModelResult original;
  std::optional<ModelResult> unlearned;
  std::vector<JudgeSummary> judges;  ///< the first decides
  /// Ten of the original's answers, to harmful and to normal prompts, with every judge's verdict.
  std::vector<JudgedAnswer> original_answers;
  /// What in the original's answers hints at a wrong prompt template (template_signs()).
  std::vector<std::string> template_warnings;
  std::vector<std::string> trained_on;  ///< "unseen", "normal": sets of which there are only prompts trained on
  std::vector<std::string> cautions;    ///< EvaluationSets::cautions
  std::uint64_t seed = 8888;            ///< of the paired tests
  std::size_t most_prompts = 0;         ///< of each set (evaluation.prompts); 0: unknown
};

/// What a report prints beside the figures.
struct ReportContext {
  std::string title;
  AlphaChoice choice;                  ///< its curve may be empty
  double budget = 0;                   ///< nats a token, for the curve
  std::string recipe;                  ///< YAML, or empty
  std::optional<double> change{};      ///< root mean square of what stage 1 changed a weight by (TaskVector::change())
  std::vector<StepRecord> steps;       ///< of training, for the loss curves; may be empty
  std::vector<StepRecord> safe_steps;  ///< of contrast's second training; may be empty
  std::string training_end;            ///< TrainingEnd::text()
  std::vector<Section> sections;       ///< further parts of the page, before the answers: agreement of judges, …
  bool json = false;                   ///< print the figures as one JSON object instead of the table
  Origin origin = Origin::unknown;     ///< of the unlearned model
  std::optional<Robustness> robustness{};  ///< what attacks on the unlearned model brought back, if any were tried
  std::optional<Robustness> four_bits{};   ///< what is left of it in NF4, if that was measured
  std::string model_name;                  ///< in results_lm_eval.json: a name, no path
  std::string model_args;                  ///< there: "pretrained=…[,peft=…]"
};

}  // namespace lethe
