// The largest α within a KL budget, and within a budget of refusals, found in a few measurements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace lethe {

/// One measurement: α, and what it does to normal answers.
struct AlphaPoint {
  double alpha = 0;
  double kl = 0;              ///< mean KL(P‖Q) on normal answers, nats a token; infinite or NaN: over any budget
  double standard_error = 0;  ///< of `kl`, over pairs
  std::size_t pairs = 0;      ///< that `kl` was measured on; 0: unknown
  std::int64_t tokens = 0;    ///< their response tokens
  /// Share of the limit's prompts that are refused (RefusalLimit); nothing: not measured.
  std::optional<double> refusing{};
  /// In four bits (NF4), the rise of the mean KL above that of the original in four bits, nats a token; nothing: not
  /// measured.
  std::optional<double> nf4_rise{};

  /// What the budget limits: the larger of both KLs; NaN if one is.
  double limited() const {
    if (!nf4_rise || std::isnan(kl)) return kl;
    return *nf4_rise <= kl ? kl : *nf4_rise;
  }
};

/// A second limit of α: over-refusal, which a mean KL hides.
struct RefusalLimit {
  double original = 0;      ///< share of the prompts that the original refuses
  double budget = 0;        ///< largest rise above it, a share of the prompts
  std::size_t prompts = 0;  ///< that are put to the model at each α

  double largest() const { return std::min(original + budget, 1.0); }
};

struct AlphaChoice {
  double alpha = 0;                        ///< 0: no measured α stays within the budget
  std::vector<AlphaPoint> curve;           ///< all measurements, by ascending α; empty: α was given
  bool halved = false;                     ///< no α fitted before, so the smallest was halved until one did
  std::optional<RefusalLimit> refusals{};  ///< the second limit, if there was one
  bool lowered = false;                    ///< the α within the KL budget refused too much
};

/// Share of the budget at which the search ends.
inline constexpr double kCloseToBudget = 0.95;

/// The largest measured α ≤ 1 whose KL (AlphaPoint::limited()) is at most the budget.
///
/// Measures α = 1 first. If that is over the budget, three more points follow, each where the KL is expected at 98% of
/// the budget: it is interpolated as a power of α between the nearest points on both sides of the budget, and as α²
/// while there is one point. The search ends early at 95% of the budget or more. A KL that is not finite halves α. If
/// no point fits, the smallest is halved, six times at most. No α below 0.003 is measured. With a KL in four bits,
/// which rounding errors make less smooth, five more points follow instead of three.
///
/// @param measure  measures the model at α
/// @param curve    also measures every tenth from 0.1 to 0.9, before any halving
AlphaChoice choose_alpha(const std::function<AlphaPoint(double alpha)>& measure, double budget, bool curve = false);

/// The choice under a second limit: at most so many refusals. If the α that the KL budget allows refuses too much, four
/// smaller ones are measured at most, by bisection between the largest α that fits and the smallest above it that does
/// not (at first 0, the original). The search ends early where 80% of the budget is used. The largest measured α that
/// keeps both limits wins; if none does, the choice's α is 0.
///
/// @param choice    by the KL alone
/// @param measure   as of choose_alpha()
/// @param refusing  the share of prompts that the model refuses at α
AlphaChoice limit_refusals(AlphaChoice choice, double kl_budget, const RefusalLimit& limit,
                           const std::function<AlphaPoint(double alpha)>& measure,
                           const std::function<double(double alpha)>& refusing);

}  // namespace lethe
