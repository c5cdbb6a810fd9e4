#include "experiments/halving.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

// A cell of a search has one point: the model at the recipe's α, or at the one that its budget chose.
const Figures* measured_in(const Cell& cell) {
  return cell.points.empty() ? nullptr : &cell.points[0].figures;
}

double missed_by(const std::vector<Constraint>& keep, const Figures& figures, const Figures& original) {
  double sum = 0;
  for (const Constraint& constraint : keep) sum += constraint.missed_by(figures, original);
  return sum;
}

}  // namespace

std::vector<Rung> rungs_of(std::size_t trials, std::size_t most) {
  std::vector<Rung> rungs = {{1, trials}};
  while (rungs.size() < most && rungs.back().trials > 1) rungs.push_back({1, (rungs.back().trials + 1) / 2});
  for (std::size_t i = 0; i < rungs.size(); ++i)
    rungs[i].share = std::ldexp(1.0, -static_cast<int>(rungs.size() - 1 - i));
  return rungs;
}

std::int64_t steps_at(const Rung& rung, std::int64_t steps) {
  return std::max<std::int64_t>(1, std::llround(rung.share * static_cast<double>(steps)));
}

Choice::Choice(const std::string& name, const std::string& constraints) : keep(parse_constraints(constraints)) {
  const Figure* figure = figure_meant(name == "harm" ? kChoiceFigure : name);
  if (figure != nullptr && figure->better != Better::unset) {
    objective = figure->name;
    return;
  }
  std::vector<std::string> names;
  for (const Figure& each : figures()) {
    if (each.better != Better::unset) names.push_back(each.name);
  }
  Error error = bad_usage("cannot use --objective " + excerpt(name));
  error.wanted("a figure").with("figures", join(names, ", "));
  if (const std::string near = figures_like(name); !near.empty()) error.hint(near);
  throw error;
}

bool Choice::needs_judge() const {
  return is_of_harm(figure_named(objective)) || std::any_of(keep.begin(), keep.end(), [](const Constraint& c) {
           return is_of_harm(figure_named(c.figure()));
         });
}

bool Choice::allows(const Cell& cell) const {
  const Figures* figures = measured_in(cell);
  return figures != nullptr && std::all_of(keep.begin(), keep.end(), [&](const Constraint& constraint) {
           return constraint.holds(*figures, cell.original);
         });
}

bool Choice::better(const Cell& a, const Cell& b) const {
  const Figures *ours = measured_in(a), *theirs = measured_in(b);
  if (ours == nullptr || theirs == nullptr) return ours != nullptr && theirs == nullptr;
  const double miss = missed_by(keep, *ours, a.original), other_miss = missed_by(keep, *theirs, b.original);
  if (miss != other_miss) return miss < other_miss;
  const auto mine = value_in(*ours, objective), other = value_in(*theirs, objective);
  if (mine.has_value() != other.has_value()) return mine.has_value();
  if (mine && *mine != *other) return smaller_is_better(objective) ? *mine < *other : *mine > *other;
  return value_in(*ours, "normal_kl").value_or(0) < value_in(*theirs, "normal_kl").value_or(0);
}

SearchResult halve(const std::vector<Variant>& variants, const std::vector<Rung>& rungs, const Choice& choice,
                   const std::function<Cell(const Trial&, std::size_t)>& measure) {
  SearchResult result{rungs, {}, {}};
  std::vector<std::size_t> left;  // the trials of the next round, the best first
  for (const Variant& variant : variants) {
    left.push_back(result.trials.size());
    result.trials.push_back({result.trials.size() + 1, variant, {}});
  }
  for (std::size_t round = 0; round < rungs.size(); ++round) {
    left.resize(std::min(left.size(), rungs[round].trials));
    std::sort(left.begin(), left.end());  // in the order of the trials
    for (const std::size_t i : left) result.trials[i].cells.push_back(measure(result.trials[i], round));
    std::stable_sort(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
      return choice.better(result.trials[a].cells.back(), result.trials[b].cells.back());
    });
  }
  if (!left.empty() && choice.allows(result.trials[left[0]].cells.back())) result.best = left[0];
  return result;
}

}  // namespace lethe
