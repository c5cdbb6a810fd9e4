// The report's two tables of figures, rows of figures.h.
#pragma once

#include "evaluation/comparison.h"
#include "report/table.h"

namespace lethe {

/// Harmful rates of every judge, degenerate rates, likelihoods, quality and divergence, and the benchmarks that were
/// given.
Table comparison_table(const Comparison& comparison);
/// How answers read beside their references and under the original: ROUGE, BLEU, distinct n-grams, unlikely ones.
Table answers_table(const Comparison& comparison);

}  // namespace lethe
