// How long trainings of several lengths take, from those that are done.
#pragma once

#include <vector>

#include "experiments/cells.h"

namespace lethe {

/// The seconds of an experiment's cells: a part for each step, and a part for everything else.
class SearchTime {
 public:
  /// Cells that failed are left out.
  void add(const Cell& cell);
  bool known() const { return cells_ > 0; }
  /// Seconds of a cell with so many steps. Needs known().
  double of(double steps) const;

 private:
  double cells_ = 0, steps_ = 0, training_ = 0, rest_ = 0;
};

}  // namespace lethe
