#include "evaluation/choose_alpha.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/terminal.h"

namespace lethe {
namespace {

constexpr std::size_t kMeasurements = 4, kHalvings = 6, kTenths = 9;
constexpr std::size_t kMeasurementsInNf4 = 6;  // rounding errors make the KL less smooth over α
constexpr const char* kTitle = "choosing alpha";
constexpr double kAim = 0.98;  // share of the budget that the next point aims at
constexpr std::size_t kBisections = 4;
constexpr double kRounding = 1e-9;     // of sums of shares
constexpr double kRefusalsUsed = 0.8;  // share of the budget of refusals at which the bisection ends
constexpr double kLeast = 0.003;  // of α: below it nothing is unlearned, and rounding alone stays within any budget

// The curve's point at this α, which is added if there is none.
AlphaPoint& point_at(std::vector<AlphaPoint>& curve, double alpha) {
  const auto place = std::lower_bound(curve.begin(), curve.end(), alpha,
                                      [](const AlphaPoint& point, double other) { return point.alpha < other; });
  if (place != curve.end() && place->alpha == alpha) return *place;
  return *curve.insert(place, AlphaPoint{.alpha = alpha});
}

class AlphaSearch {
 public:
  AlphaSearch(const std::function<AlphaPoint(double)>& measure, double budget, bool curve)
      : measure_(measure), budget_(budget), most_(kMeasurements + (curve ? kTenths : 0)) {
    progress_.emplace(kTitle, most_, "points");
  }

  void measure(double alpha) {
    const auto place = std::lower_bound(points_.begin(), points_.end(), alpha,
                                        [](const AlphaPoint& point, double other) { return point.alpha < other; });
    if (place != points_.end() && place->alpha == alpha) return;
    const AlphaPoint& point = *points_.insert(place, measure_(alpha));
    if (points_.size() == 1 && point.nf4_rise) {
      most_ += kMeasurementsInNf4 - kMeasurements;
      progress_.emplace(kTitle, most_, "points");
    }
    progress_->update(std::min(points_.size(), most_ - 1));  // the search may end early, or halve α further
  }
  // No point follows.
  void finish() { progress_->update(most_, std::to_string(points_.size()) + " measured"); }

  // The largest α that fits.
  const AlphaPoint* best() const {
    const auto found = std::find_if(points_.rbegin(), points_.rend(), [&](const AlphaPoint& p) { return fits(p); });
    return found == points_.rend() ? nullptr : &*found;
  }
  // Whether no further point can improve the choice.
  bool done() const {
    const AlphaPoint* low = best();
    if (low == nullptr) return points_.front().alpha <= kLeast;
    return low->alpha >= 1 || low->limited() >= kCloseToBudget * budget_;
  }
  // The α to measure where none fits: half the smallest.
  double half() const { return std::max(points_.front().alpha / 2, kLeast); }
  std::size_t count() const { return points_.size(); }
  const std::vector<AlphaPoint>& points() const { return points_; }

  // Where the KL should come close to the budget. α = 1 was measured and is over.
  double next() const {
    const double aim = kAim * budget_;
    const AlphaPoint* low = best();
    const auto high = low == nullptr ? points_.begin() : points_.begin() + (low - points_.data()) + 1;
    const double from = low == nullptr ? 0 : low->alpha, to = high->alpha, margin = 0.02 * (to - from);
    double alpha = (from + to) / 2;
    if (low != nullptr && std::isfinite(high->limited())) {
      if (low->limited() > 0) alpha = on_power(*low, aim, exponent(*low, *high));
    } else if (low != nullptr) {
      if (low->limited() > 0) alpha = std::min(alpha, on_power(*low, aim, 2));
    } else if (std::isfinite(high->limited())) {
      const auto further = high + 1;
      const bool two = further != points_.end() && std::isfinite(further->limited());
      alpha = on_power(*high, aim, two ? std::clamp(exponent(*high, *further), 1.0, 4.0) : 2);
    }
    return std::max(std::clamp(alpha, from + margin, to - margin), kLeast);
  }

 private:
  bool fits(const AlphaPoint& point) const { return point.limited() <= budget_; }  // not, if it is NaN
  // p of KL = c·α^p through both points.
  static double exponent(const AlphaPoint& a, const AlphaPoint& b) {
    return std::log(b.limited() / a.limited()) / std::log(b.alpha / a.alpha);
  }
  // The α at which KL = c·α^p through this point has the value `kl`.
  static double on_power(const AlphaPoint& point, double kl, double p) {
    return point.alpha * std::pow(kl / point.limited(), 1 / p);
  }

  const std::function<AlphaPoint(double)>& measure_;
  double budget_;
  std::size_t most_;  // points, without halving
  std::optional<Progress> progress_;
  std::vector<AlphaPoint> points_;  // by ascending α
};

}  // namespace

AlphaChoice choose_alpha(const std::function<AlphaPoint(double)>& measure, double budget, bool curve) {
  AlphaSearch search(measure, budget, curve);
  search.measure(1);
  const std::size_t most = search.points().front().nf4_rise ? kMeasurementsInNf4 : kMeasurements;
  while (!search.done() && search.count() < most) search.measure(search.next());
  for (std::size_t tenth = 1; curve && tenth <= kTenths; ++tenth) search.measure(static_cast<double>(tenth) / 10);
  AlphaChoice choice;
  for (std::size_t i = 0; i < kHalvings && search.best() == nullptr && !search.done(); ++i) {
    choice.halved = true;
    search.measure(search.half());
  }
  search.finish();
  if (const AlphaPoint* best = search.best()) choice.alpha = best->alpha;
  choice.curve = search.points();
  return choice;
}

AlphaChoice limit_refusals(AlphaChoice choice, double kl_budget, const RefusalLimit& limit,
                           const std::function<AlphaPoint(double alpha)>& measure,
                           const std::function<double(double alpha)>& refusing) {
  choice.refusals = limit;
  if (choice.alpha == 0) return choice;
  const auto keeps_both = [&](const AlphaPoint& point) {
    return point.limited() <= kl_budget && *point.refusing <= limit.largest() + kRounding;
  };
  AlphaPoint& first = point_at(choice.curve, choice.alpha);
  first.refusing = refusing(first.alpha);
  if (keeps_both(first)) return choice;
  choice.lowered = true;
  double low = 0, high = choice.alpha;
  for (std::size_t i = 0; i < kBisections && high > 2 * kLeast; ++i) {
    const double alpha = (low + high) / 2;
    AlphaPoint& point = point_at(choice.curve, alpha);
    point = measure(alpha);
    point.refusing = refusing(alpha);
    const bool fits = keeps_both(point);
    (fits ? low : high) = alpha;
    if (fits && *point.refusing - limit.original >= kRefusalsUsed * limit.budget) break;
  }
  choice.alpha = low;
  return choice;
}

}  // namespace lethe
