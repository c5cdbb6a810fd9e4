// The largest α within a KL budget, found in a few measurements.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lethe {

/// One measurement: α, and what it does to normal answers.
struct AlphaPoint {
  double alpha = 0;
  double kl = 0;              ///< mean KL(P‖Q) on normal answers, nats a token; infinite or NaN: over any budget
  double standard_error = 0;  ///< of `kl`, over pairs
  std::size_t pairs = 0;      ///< that `kl` was measured on; 0: unknown
  std::int64_t tokens = 0;    ///< their response tokens
};

struct AlphaChoice {
  double alpha = 0;               ///< 0: no measured α stays within the budget
  std::vector<AlphaPoint> curve;  ///< all measurements, by ascending α; empty: α was given
  bool halved = false;            ///< no α fitted before, so the smallest was halved until one did
};

/// The largest measured α ≤ 1 whose KL is at most the budget.
///
/// Measures α = 1 first. If that is over the budget, three more points follow, each where the KL is expected at 98% of
/// the budget: it is interpolated as a power of α between the nearest points on both sides of the budget, and as α²
/// while there is one point. The search ends early at 95% of the budget or more. A KL that is not finite halves α. If
/// no point fits, the smallest is halved, six times at most. No α below 0.003 is measured.
///
/// @param measure  measures the model at α
/// @param curve    also measures every tenth from 0.1 to 0.9, before any halving
AlphaChoice choose_alpha(const std::function<AlphaPoint(double alpha)>& measure, double budget, bool curve = false);

}  // namespace lethe
