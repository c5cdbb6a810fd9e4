// Training steps that several ranks compute together. Rank 0 leads (loop.h); the others follow it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "objectives/objective.h"
#include "ranks/group.h"
#include "training/adamw.h"
#include "training/schedule.h"
#include "training/shared_gradients.h"
#include "training/shared_weights.h"

namespace lethe {

/// Those of LoopOptions that all ranks need.
struct SharedStepsOptions {
  std::int64_t steps = 0, accumulate = 1;
  double clip = 0;
  Schedule schedule;
  std::function<bool()> interrupted;  ///< whether this rank is asked to stop; may be empty
  SharedWeights* weights = nullptr;   ///< weights that the ranks hold together; null: every rank has them all
};

class SharedSteps {
 public:
  SharedSteps(Group& group, Objective& objective, AdamW& optimizer, const SharedStepsOptions& options);

  /// Where training begins, as rank 0 knows it.
  struct Start {
    std::int64_t first = 0;  ///< steps done so far
    std::int64_t every = 0;  ///< steps between evaluations; 0: none
    bool over = false;       ///< whether no step is to come
  };
  /// Gives all ranks rank 0's start, and its state if it goes on from a snapshot. @param own  of other ranks: ignored
  Start begin(Start own);
  /// Whether all micro-batches of a step were computed; `then_stop`: yes, and a rank was asked to stop.
  enum class Whole { yes, then_stop, no };
  /// Computes the micro-batches of a step: rank r those whose number is r modulo the number of ranks. Then every rank's
  /// .grad() is that of the whole step.
  /// @param take  receives the terms, the loss and the tokens of each micro-batch, in their order
  /// @return the same in all ranks; no: a rank was asked to stop before, and no rank has a .grad()
  Whole micro_batches(std::int64_t step, const std::function<void(const StepLoss& part)>& take);
  /// Call it after the optimizer's update.
  void updated() { gradients_.updated(); }
  /// After a step at which rank 0 measured the model. @return rank 0's: whether the training ends early
  bool measured(bool over);
  /// Checks after the first step that all ranks have the same weights. @throws Error naming a rank that has others
  void check_weights();
  /// The training is over, or ends early. Of weights that the ranks hold together, rank 0 reads the others' parts until
  /// then.
  void end();

 private:
  struct Round;
  Round exchange_terms(const StepLoss* part, bool stop);

  Group& group_;
  Objective& objective_;
  AdamW& optimizer_;
  const SharedStepsOptions options_;
  std::vector<std::string> names_;  // of the terms
  SharedGradients own_gradients_;   // where every rank has all weights
  GradientSums& gradients_;
};

/// What a rank that is not 0 does while rank 0 is in train(). Returns when rank 0 has trained.
/// @throws Error (interrupted) if a rank was asked to stop; Error if a rank was lost
void follow_training(Group& group, Objective& objective, AdamW& optimizer, const SharedStepsOptions& options);

}  // namespace lethe
