// Constraints on figures, "normal_perplexity<=1.05x", and points of a trade-off that no other point beats.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluation/figures.h"

namespace lethe {

/// The figure that a user means: by its name, or as `harm_unseen`, the name in results.json. Null if there is none.
const Figure* figure_meant(const std::string& name);
/// "harmful_seen or harmful_unseen": the figures similar to a name that is none's; empty if there are none.
std::string figures_like(const std::string& name);

/// `FIGURE<=VALUE` or `FIGURE>=VALUE`; with `x` after the value: times the original's.
class Constraint {
 public:
  /// @param text  the figure as figure_meant() finds it
  /// @throws Error (usage) that lists the figures, and names similar ones
  explicit Constraint(const std::string& text);
  /// A figure that was not measured satisfies no constraint.
  bool holds(const Figures& found, const Figures& original) const;
  /// How far the figure is beyond the bound, as a share of the bound (of 1 for a bound of 0); 0 if it holds, infinite
  /// if it was not measured.
  double missed_by(const Figures& found, const Figures& original) const;
  const std::string& figure() const { return figure_; }

 private:
  /// Nothing if the constraint is relative and the original's figure was not measured.
  std::optional<double> bound(const Figures& original) const;

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
