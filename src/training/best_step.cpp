#include "training/best_step.h"

#include <cmath>
#include <limits>

namespace lethe {
namespace {

double value_named(const std::map<std::string, double>& evaluation, const std::string& name) {
  const auto found = evaluation.find(name);
  return found == evaluation.end() ? std::numeric_limits<double>::infinity() : found->second;
}

}  // namespace

std::string TrainingEnd::text() const {
  if (!early() && kept == last) return "";
  const std::string end = early() ? "training stopped early, after step " : "training ended after step ";
  return end + std::to_string(last) + " of " + std::to_string(planned) + "; the weights are those of step " +
         std::to_string(kept) + ", the best that was evaluated";
}

OrderedJson to_json(const TrainingEnd& end) {
  return {{"stopped_early", end.early()}, {"last_step", end.last}, {"kept_step", end.kept}, {"steps", end.planned}};
}

bool BestStep::better(const std::map<std::string, double>& evaluation) const {
  for (const BestBy& by : options_.by) {
    const double now = value_named(evaluation, by.name), best = value_named(best_, by.name);
    if (now == best || std::abs(now - best) <= by.margin) continue;
    return now < best;
  }
  return false;
}

bool BestStep::add(std::int64_t step, const std::map<std::string, double>& evaluation) {
  if (options_.patience == 0 || evaluation.empty()) return false;
  if (step_ != 0 && !better(evaluation)) {
    ++waited_;
    return false;
  }
  previous_ = step_;
  step_ = step;
  best_ = evaluation;
  waited_ = 0;
  return true;
}

std::set<std::int64_t> BestStep::to_keep() const {
  std::set<std::int64_t> steps = {previous_, step_};
  steps.erase(0);
  return steps;
}

}  // namespace lethe
