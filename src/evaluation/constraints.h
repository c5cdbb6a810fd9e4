// Constraints on figures, "normal_perplexity<=1.05x", and points of a trade-off that no other point beats.
#pragma once

#include <string>
#include <vector>

#include "evaluation/figures.h"

namespace lethe {

/// `FIGURE<=VALUE` or `FIGURE>=VALUE`; with `x` after the value: times the original's.
class Constraint {
 public:
  /// @throws Error (usage) that lists the figures
  explicit Constraint(const std::string& text);
  /// A figure that was not measured satisfies no constraint.
  bool holds(const Figures& found, const Figures& original) const;

 private:
  std::string figure_;
  double value_ = 0;
  bool at_most_ = true, relative_ = false;
};

/// Several, joined with commas; all must hold. An empty text: none.
std::vector<Constraint> parse_constraints(const std::string& text);

/// A point is dominated if another is as good in both figures, and better in one.
/// @return for each point whether it is dominated
std::vector<bool> dominated(const std::vector<Figures>& points, const std::string& first, const std::string& second);

}  // namespace lethe
