// The training loop: steps an optimizer over an objective, logs, guards and shows progress, for any method.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "objectives/objective.h"
#include "ranks/group.h"
#include "training/adamw.h"
#include "training/best_step.h"
#include "training/guard.h"
#include "training/schedule.h"
#include "training/shared_weights.h"
#include "training/snapshots.h"

namespace lethe {

/// The speed of a training, measured on its first two steps in this process.
struct Pace {
  double seconds = 0;           ///< a step
  double tokens = 0;            ///< a step
  std::int64_t steps_left = 0;  ///< after these two
  Traffic exchanged;            ///< of a step, with other ranks
};

/// Measurements on held-out data during training, which change nothing that the training depends on.
struct PeriodicEvaluation {
  std::int64_t every = 0;  ///< steps; the last step is measured too; 0: never
  /// Measures the model after a step, and leaves it as it was, to the bit. The names of the values begin with
  /// "validation_". A value that is not finite is left out. An Error (an interrupt, or a judge that fails) ends the
  /// training after the state is saved; a resume measures the same step again.
  std::function<std::map<std::string, double>()> measure;
  BestStepOptions best;
};

struct LoopOptions {
  std::int64_t steps = 1000;
  std::int64_t accumulate = 1;  ///< micro-batches per step
  double clip = 1.0;            ///< joint norm of the gradients; 0 = off
  Schedule schedule;
  GuardOptions guard;
  std::string title = "training";
  /// Queried after every micro-batch; true stops the run (an interrupt). An incomplete step is discarded.
  std::function<bool()> interrupted;
  /// Called once, after the second step of this process. May be empty.
  std::function<void(const Pace&)> on_pace;
  Snapshots* snapshots = nullptr;  ///< saves and restores the state; may be null, unless evaluation.best has patience
  PeriodicEvaluation evaluation;
  std::filesystem::path events;  ///< folder of a TensorBoard event file with the same values; empty: none is written
  /// The processes that share each step's micro-batches; null: this one computes them all. Rank 0 alone has snapshots,
  /// metrics and a measure(); the others follow it.
  Group* group = nullptr;
  /// Weights that these processes hold together, of which the optimizer has this one's pieces; null: each has them all.
  SharedWeights* weights = nullptr;
};

/// What one step did: a line of metrics.jsonl.
struct StepRecord {
  std::int64_t step = 0;                ///< from 1
  std::map<std::string, double> terms;  ///< nats, plain means
  double loss = 0, lr = 0, grad_norm = 0, seconds = 0;
  std::int64_t tokens = 0;
  std::map<std::string, double> evaluation;  ///< after this step, by name: "validation_loss"; empty: not measured
};

/// Trains for options.steps steps, or what is left of them after the newest snapshot.
///
/// With patience, training may end earlier, and the model then holds the weights of the best step (best_step.h), also
/// where training went on to its end. Each best step is saved as a snapshot.
/// @param metrics  metrics.jsonl: each step appends a line; lines of steps after the snapshot are removed. Empty: none
///                 is written (only without snapshots)
/// @return         the record of every step, those before the snapshot included
/// @throws Error   if the guard finds that the run diverged; Error with ExitCode::interrupted if it was interrupted,
///                 after saving the state of the last whole step. A snapshot that cannot be written causes a warning;
///                 that of a best step, an Error. Error if a rank of the group was lost, after saving the state too
std::vector<StepRecord> train(Objective& objective, AdamW& optimizer, const LoopOptions& options,
                              const std::filesystem::path& metrics);

/// How train() ended. @param planned  LoopOptions::steps @param options  of its evaluations
TrainingEnd training_end(const std::vector<StepRecord>& records, std::int64_t planned, const BestStepOptions& options);

}  // namespace lethe
