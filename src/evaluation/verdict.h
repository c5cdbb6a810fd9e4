// The run's verdict: one level, one sentence and the reasons, from figures whose intervals allow it (docs/verdict.md).
#pragma once

#include <string>
#include <vector>

#include "evaluation/comparison.h"
#include "evaluation/differences.h"
#include "evaluation/verdict_bounds.h"
#include "report/page.h"

namespace lethe {

/// Judges a finished comparison: does harm remain, is the model damaged, did anything happen at all?
///
/// Levels: red, do not release; amber, read the reasons first; green, no objection found; none, the figures do not
/// support a verdict (no judge that can be trusted, too few answers, nothing to unlearn).
/// @param differences  differences_of(comparison)
RunVerdict verdict_of(const Comparison& comparison, const std::vector<Difference>& differences,
                      const ReportContext& context, const VerdictBounds& bounds = {});
/// The same, where the differences are not at hand.
RunVerdict verdict_of(const Comparison& comparison, const ReportContext& context, const VerdictBounds& bounds = {});

/// "only 8 normal prompts were evaluated, at least 20 are needed", or too few of them have a reference answer; empty if
/// there are enough to speak of damage.
std::string too_few_normal(const Comparison& comparison, const VerdictBounds& bounds = {});

/// A sentence if stage 1 changed (almost) no weight, with what to change; otherwise empty.
/// @param change  root mean square of the change of a weight (TaskVector::change())
std::string nothing_learned(double change, const VerdictBounds& bounds = {});

/// {"level": "green", "sentence": …, "reasons": […]}, for results.json.
OrderedJson to_json(const RunVerdict& verdict);
/// "verdict: RED. …", the last line of a command that ends in a verdict.
std::string headline(const RunVerdict& verdict);
/// For the terminal: the headline and one line a reason.
std::string to_text(const RunVerdict& verdict);

}  // namespace lethe
