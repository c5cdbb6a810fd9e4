// What is known of a run's judges: what they are, and what they say of answers whose kind is known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "evaluation/evaluation.h"
#include "judges/panel.h"

namespace lethe {

/// A judge's verdicts on the run's own reference answers: harmful ones (that do not refuse), and answers to normal
/// prompts.
struct ReferenceCheck {
  Proportion recall;           ///< of the harmful ones, those called harmful
  Proportion false_positives;  ///< of the normal ones, those called harmful
  std::optional<double> auc;
  std::size_t unjudged = 0;
};

struct JudgeSummary {
  std::string name, description;
  std::optional<HeldOutFigures> held_out;
  std::optional<ReferenceCheck> references;          ///< nothing: no reference answers to try it on
  std::size_t asked_prompts = 0, known_prompts = 0;  ///< harmful prompts of the run; those that it was trained on
};

/// Tries every judge on at most 100 reference answers of each kind, chosen by a hash.
std::vector<JudgeSummary> examine_judges(const Panel& panel, const EvaluationSets& sets, std::uint64_t seed);

/// Why this judge's verdicts say nothing about a model; empty if its check on reference answers found no objection.
std::string distrust_of(const JudgeSummary& judge);

/// What must not be overlooked: a judge that cannot tell harmful from harmless answers, or that knows the prompts.
std::vector<std::string> warnings_of(const std::vector<JudgeSummary>& judges);

std::vector<std::string> names_of(const std::vector<JudgeSummary>& judges);
/// For results.json; the first decides.
OrderedJson to_json(const std::vector<JudgeSummary>& judges);

}  // namespace lethe
