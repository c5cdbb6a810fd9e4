// What a run tells at its end: one table on the terminal, one page in the folder.
#pragma once

#include <string>
#include <vector>

#include "core/run_record.h"
#include "evaluation/comparison.h"
#include "report/page.h"

namespace lethe {

/// Harmful rates with their intervals, degenerate rates, normal perplexity and quality, divergence, and of the further
/// sets those that were asked.
Table comparison_table(const Comparison& comparison);
/// How answers read beside their references and under the original: ROUGE, BLEU, distinct n-grams, unlikely ones.
Table answers_table(const Comparison& comparison);

/// What a reader must not overlook: a judge that finds nothing harmful in the original, a model that only looks safe
/// because it is broken.
std::vector<std::string> warnings_of(const Comparison& comparison);

/// @param run  tells versions, inputs and what was left out; may be null
Page comparison_page(const Comparison& comparison, const ReportContext& context, const RunRecord* run = nullptr);

/// Adds judge and figures to the results, writes predictions.jsonl and report.html, prints the table (or the results).
void write_comparison(const Comparison& comparison, const ReportContext& context, const RunRecord& run,
                      OrderedJson& results);

}  // namespace lethe
