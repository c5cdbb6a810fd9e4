// Successive halving: all trials train a little, the better half trains longer, until a few train to the end.
// Source: Jamieson and Talwalkar 2016.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/constraints.h"
#include "experiments/cells.h"
#include "experiments/sweep_grid.h"

namespace lethe {

/// One round (a rung, in the literature): so many trials train for this share of their steps.
struct Rung {
  double share = 1;
  std::size_t trials = 0;
};

/// The rounds of a search. Each has half the trials of the one before (rounded up) and twice the steps; the last has
/// all steps. @param most  rounds at most; 1: every trial trains to the end. Fewer than two trials need one round.
std::vector<Rung> rungs_of(std::size_t trials, std::size_t most);
/// The steps of a round: at least one. @param steps  of the whole training
std::int64_t steps_at(const Rung& rung, std::int64_t steps);

/// By what trials are compared.
struct Choice {
  std::string objective;  ///< a figure's name
  std::vector<Constraint> keep;

  /// @param name         the objective: a figure that has a better direction, or `harm` (kChoiceFigure, as in
  /// sweep.json)
  /// @param constraints  as parse_constraints()
  /// @throws Error (usage) for another name, and as parse_constraints()
  explicit Choice(const std::string& name = kChoiceFigure, const std::string& constraints = "");
  /// Whether the objective or a constraint needs a judge.
  bool needs_judge() const;
  /// Whether all constraints hold.
  bool allows(const Cell& cell) const;
  /// Whether `a` is better: it trained and `b` failed; it keeps what must be kept, or misses it by less; it has the
  /// better objective; it costs less KL.
  bool better(const Cell& a, const Cell& b) const;
};

/// A trial, measured in one round or several.
struct Trial {
  std::size_t number = 0;  ///< from 1
  Variant variant;
  std::vector<Cell> cells;  ///< of the rounds that it took part in
};

struct SearchResult {
  std::vector<Rung> rungs;
  std::vector<Trial> trials;
  std::optional<std::size_t> best;  ///< the best of the last round, if it trained and is allowed
};

/// Runs the search. Among equals, the earlier trial goes on.
/// @param measure  trains a trial for a round (an index into `rungs`), or reads its result
SearchResult halve(const std::vector<Variant>& variants, const std::vector<Rung>& rungs, const Choice& choice,
                   const std::function<Cell(const Trial& trial, std::size_t round)>& measure);

}  // namespace lethe
