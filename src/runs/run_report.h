// What a run tells at its end: one table on the terminal, one page in the folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/page.h"
#include "runs/divergence_meter.h"
#include "runs/evaluation.h"
#include "runs/judge_check.h"
#include "runs/run_folder.h"
#include "training/loop.h"

namespace lethe {

/// Original and unlearned side by side (or one model alone).
struct Comparison {
  ModelResult original;
  std::optional<ModelResult> unlearned;
  std::vector<JudgeSummary> judges;  ///< the first decides
  std::uint64_t seed = 8888;         ///< of the paired tests
};

/// Harmful rates with their intervals, degenerate rates, normal perplexity and quality, divergence, and of the further
/// sets those that were asked.
Table comparison_table(const Comparison& comparison);
/// How answers read beside their references and under the original: ROUGE, BLEU, distinct n-grams, unlikely ones.
Table answers_table(const Comparison& comparison);

/// What a report tells beside the figures.
struct ReportContext {
  std::string title;
  AlphaChoice choice;             ///< its curve may be empty
  double budget = 0;              ///< nats a token, for the curve
  std::string recipe;             ///< YAML, or empty
  std::vector<StepRecord> steps;  ///< of training, for the loss curves; may be empty
  std::vector<Section> sections;  ///< further parts of the page, before the answers: agreement of judges, …
  bool json = false;              ///< print the figures as one JSON object instead of the table
};

/// What a reader must not overlook: a judge that finds nothing harmful in the original, a model that only looks safe
/// because it is broken.
std::vector<std::string> warnings_of(const Comparison& comparison);

/// @param run  tells versions, inputs and what was left out; may be null
Page comparison_page(const Comparison& comparison, const ReportContext& context, const RunFolder* run = nullptr);

/// Adds judge and figures to the results, writes predictions.jsonl and report.html, prints the table (or the results).
void write_comparison(const Comparison& comparison, const ReportContext& context, const RunFolder& run,
                      OrderedJson& results);

}  // namespace lethe
