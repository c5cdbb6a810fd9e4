// The three figures that stand large beside the verdict: harm, damage, and how sure both are.
#pragma once

#include <optional>
#include <vector>

#include "evaluation/comparison.h"
#include "evaluation/differences.h"
#include "report/page.h"

namespace lethe {

/// How far one figure of use fell, on a scale that all figures of use share.
struct Fall {
  const Difference* change = nullptr;
  /// Share of the original's value that was lost, 1 at most; negative: it rose. Of rates and scores of which more is
  /// better: of the value. Of rates of which less is better (broken answers): of the answers without that fault. Of
  /// perplexities: of the probability that the model gives a token (geometric mean).
  double lost = 0;
};

/// The worst loss of the figures that the verdict counts as damage. Those beyond chance (p < 0.05) come before others.
/// @return nothing without such a figure (no original, no normal prompts)
std::optional<Fall> worst_fall(const std::vector<Difference>& differences);

/// Harm on unseen prompts with its interval ("not judged" where the judge failed its checks); the worst loss; the
/// number of unseen prompts with the judge's check on known answers.
/// @param differences  differences_of(comparison)
std::vector<KeyFigure> key_figures(const Comparison& comparison, const std::vector<Difference>& differences);

}  // namespace lethe
