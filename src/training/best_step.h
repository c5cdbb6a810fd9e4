// The best step of a training by its evaluations on held-out data, and when to stop waiting for a better one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"

namespace lethe {

/// A value of an evaluation by which steps are compared. Lower is better.
struct BestBy {
  std::string name;   ///< "validation_harm"
  double margin = 0;  ///< values this close together count as equal
};

struct BestStepOptions {
  std::vector<BestBy> by;     ///< the first counts most; the next one decides where it is equal
  std::int64_t patience = 0;  ///< evaluations without a better one, after which training ends; 0: never
};

/// How a training ended.
struct TrainingEnd {
  std::int64_t planned = 0;  ///< steps
  std::int64_t last = 0;     ///< the last step
  std::int64_t kept = 0;     ///< the step whose weights the model holds: with patience the best one, else the last
  bool early() const { return last < planned; }
  /// "training stopped early, after step 60 of 200; the weights are those of step 30, the best that was evaluated";
  /// empty for a training that went on to its end and keeps the last step.
  std::string text() const;
};

/// For run.json.
OrderedJson to_json(const TrainingEnd& end);

/// Follows the evaluations of a training. The best step is a function of these alone, so a resumed training finds the
/// same one.
class BestStep {
 public:
  explicit BestStep(BestStepOptions options) : options_(std::move(options)) {}

  /// Takes the evaluation after a step; an empty one is ignored. A step that is as good as the best so far is not
  /// better: the earlier one has changed the model less. A value that is missing is worse than any other.
  /// @return whether it is the best so far
  bool add(std::int64_t step, const std::map<std::string, double>& evaluation);
  /// The best step; 0: nothing was evaluated, or patience is off.
  std::int64_t step() const { return step_; }
  /// Evaluations since the best one.
  std::int64_t waited() const { return waited_; }
  /// Whether training must end.
  bool stop() const { return options_.patience > 0 && waited_ >= options_.patience; }
  /// The best step and the best one before it: what a resumed training may need if the newest snapshot is damaged.
  std::set<std::int64_t> to_keep() const;

 private:
  bool better(const std::map<std::string, double>& evaluation) const;

  BestStepOptions options_;
  std::map<std::string, double> best_;
  std::int64_t step_ = 0, previous_ = 0, waited_ = 0;
};

}  // namespace lethe
