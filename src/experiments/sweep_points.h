// The points of a sweep: which is best, which are dominated, and how they are shown.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/constraints.h"
#include "report/page.h"

namespace lethe {

struct SweepPoint {
  std::vector<std::pair<std::string, std::string>> settings;  ///< how the recipe differs from the run's
  double alpha = 0;
  double budget = 0;    ///< by which α was chosen; 0: α was given
  Figures figures;      ///< with "harm", the name that sweep.json has for kChoiceFigure
  std::string failed;   ///< why there are no figures (training diverged)
  bool allowed = true;  ///< keeps what must be kept
  /// Another point is as good in harm and in what it costs, and better in one; cost measured as KL, or as lost ROUGE-L.
  bool dominated = false, dominated_in_quality = false;

  /// "sku.eps_pd=0.5, alpha 0.440"
  std::string label() const;
};

struct SweepResult {
  std::string title, prompts;  ///< "validation" or "test"
  std::string keep;            ///< as given
  bool trained = false;        ///< points were trained anew, not only scaled
  Figures original;            ///< with "harm"
  std::vector<SweepPoint> points;
  std::optional<std::size_t> best;  ///< of the points
};

/// Fills in harm (kChoiceFigure), allowed, dominated and best: the least harm among the allowed ones; of equals the
/// smaller KL.
void assess(SweepResult& result);

Table sweep_table(const SweepResult& result);
OrderedJson to_json(const SweepPoint& point);
Page sweep_page(const SweepResult& result);

}  // namespace lethe
