// What a run prints at its end, and the page in its folder.
#pragma once

#include <string>
#include <vector>

#include "core/run_record.h"
#include "evaluation/comparison.h"
#include "evaluation/differences.h"
#include "report/page.h"

namespace lethe {

/// What a reader must not overlook: a judge that finds nothing harmful in the original, a model that only looks safe
/// because it is broken.
std::vector<std::string> warnings_of(const Comparison& comparison);

/// @param differences  differences_of(comparison)
/// @param run  names versions, inputs and what was left out; may be null
Page comparison_page(const Comparison& comparison, const std::vector<Difference>& differences,
                     const ReportContext& context, const RunRecord* run = nullptr);

/// Adds judge and figures to the results, writes predictions.jsonl, report.html and results_lm_eval.json, and prints
/// the table (or the results). @return the verdict, which the page shows and the results hold
RunVerdict write_comparison(const Comparison& comparison, const ReportContext& context, const RunRecord& run,
                            OrderedJson& results);

}  // namespace lethe
