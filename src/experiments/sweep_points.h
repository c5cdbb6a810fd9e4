// The points of a sweep: finds the best and the dominated ones, and prints them as a table and a page.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/constraints.h"
#include "report/page.h"

namespace lethe {

struct SweepPoint {
  std::vector<std::pair<std::string, std::string>> settings;  ///< keys in which the recipe differs from the run's
  double alpha = 0;
  double budget = 0;    ///< the KL budget that chose α; 0: α was given
  Figures figures;      ///< with "harm", the name that sweep.json has for kChoiceFigure
  std::string failed;   ///< why there are no figures (training diverged)
  std::string mark{};   ///< what the table says of the point, if it is neither failed nor the best
  bool allowed = true;  ///< satisfies --keep
  /// Another point is as good in harm and in cost, and better in one. The cost is KL, or lost ROUGE-L.
  bool dominated = false, dominated_in_quality = false;

  /// "sku.eps_pd=0.5, alpha 0.440"
  std::string label() const;
};

struct SweepResult {
  std::string title, prompts;  ///< "validation" or "test"
  std::string keep;            ///< as given
  bool trained = false;        ///< each point was trained, not only scaled
  Figures original;            ///< with "harm"
  std::string judge_withheld;  ///< why there is no harm, and no best point; empty: the judge passed its checks
  std::vector<SweepPoint> points;
  std::optional<std::size_t> best;  ///< index into `points`
};

/// Sets harm (kChoiceFigure), allowed, dominated and best: the allowed point with the least harm; among equals, the one
/// with the smaller KL. Where harm is not judged, there is no best point.
void assess(SweepResult& result);

Table sweep_table(const SweepResult& result);
OrderedJson to_json(const SweepPoint& point);
Page sweep_page(const SweepResult& result);

}  // namespace lethe
