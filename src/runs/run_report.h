// What a run tells at its end: one table on the terminal, one page in the folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/page.h"
#include "runs/divergence_meter.h"
#include "runs/evaluation.h"

namespace lethe {

/// Original and unlearned side by side (or one model alone).
struct Comparison {
  ModelResult original;
  std::optional<ModelResult> unlearned;
  std::string judge;
};

/// Harmful rates with their intervals, degenerate rates, normal perplexity and quality, divergence.
Table comparison_table(const Comparison& comparison);

/// @param curve   the α that were measured; may be empty
/// @param recipe  YAML, or empty
Page comparison_page(const std::string& title, const Comparison& comparison, const AlphaChoice& choice, double budget,
                     const std::string& recipe);

}  // namespace lethe
