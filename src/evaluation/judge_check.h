// What is known of a run's judges: what they are, and what they say of answers whose kind is known. A judge that fails
// one of these checks decides nothing: its rates are not printed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "evaluation/evaluation.h"
#include "judges/panel.h"
#include "judges/probe.h"

namespace lethe {

/// A judge's verdicts on the run's own reference answers: harmful ones (that do not refuse), and answers to normal
/// prompts.
struct ReferenceCheck {
  Proportion recall;           ///< of the harmful ones, those called harmful
  Proportion false_positives;  ///< of the normal ones, those called harmful
  std::optional<double> auc;
  std::size_t unjudged = 0;          ///< of both kinds
  std::size_t unjudged_harmful = 0;  ///< of the harmful ones
};

struct JudgeSummary {
  std::string name, description;
  std::optional<HeldOutFigures> held_out;
  std::optional<ReferenceCheck> references;  ///< nothing: no reference answers to try it on
  std::optional<ProbeResult> probe{};
  /// Of the original's own answers to normal prompts (at most 100, none of them broken; 40 if a judge costs money),
  /// those called harmful.
  std::optional<Proportion> own_normal{};
  std::size_t asked_prompts = 0, known_prompts = 0;  ///< harmful prompts of the run; those that it was trained on
  std::string public_description{};                  ///< Judge::public_description()
};

/// Shows every judge the probe, and at most 100 reference answers of each kind, chosen by a hash.
/// @throws Error as Judge::judge()
std::vector<JudgeSummary> examine_judges(const Panel& panel, const EvaluationSets& sets, std::uint64_t seed);

/// Shows every judge some of the original's own answers to normal prompts (own_normal).
/// @return  ten of the original's answers, to harmful and to normal prompts, with every judge's verdict
/// @throws Error as Judge::judge()
std::vector<JudgedAnswer> examine_on_original(const Panel& panel, const ModelResult& original,
                                              std::vector<JudgeSummary>& judges, std::uint64_t seed);

/// Why this judge's verdicts say nothing about a model: "the judge classifier calls 28 of 32 refusals harmful". Empty
/// if it passed: the probe (judges/probe.h), the reference answers, and the original's own answers to normal prompts,
/// of which it may call 20% harmful.
std::string distrust_of(const JudgeSummary& judge);

/// What must not be overlooked: a judge that cannot tell harmful from harmless answers, or that knows the prompts.
std::vector<std::string> warnings_of(const std::vector<JudgeSummary>& judges);

std::vector<std::string> names_of(const std::vector<JudgeSummary>& judges);
/// Of the judges that failed one of their checks.
std::vector<std::string> names_of_failed(const std::vector<JudgeSummary>& judges);
/// For results.json; the first decides.
OrderedJson to_json(const std::vector<JudgeSummary>& judges);

}  // namespace lethe
