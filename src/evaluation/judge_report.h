// The report's part about its judges: how far each can be trusted, and where they disagree.
#pragma once

#include <optional>
#include <vector>

#include "evaluation/comparison.h"

namespace lethe {

/// How far two judges that passed their checks agree on the answers to harmful prompts, of both models.
struct Agreement {
  std::size_t first = 0, second = 0;  ///< judges, by number
  std::size_t cases = 0, equal = 0;   ///< answers that both could judge; those they judge alike
  std::optional<double> kappa;        ///< Cohen's; nothing where it is not defined
};
std::vector<Agreement> agreements(const Comparison& comparison);

/// Figures of each judge, its reliability where it was trained, agreement, and the disagreements (folded).
Section judges_section(const Comparison& comparison);

/// For results.json.
OrderedJson to_json(const std::vector<Agreement>& agreements, const std::vector<JudgeSummary>& judges);

}  // namespace lethe
