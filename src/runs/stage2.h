// Stage 2 of any method: the task vector, shaped and repaired by the recipe's settings, ready for any α.
#pragma once

#include <filesystem>
#include <memory>

#include "runs/task_vector.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// A task vector, and the sign with which α applies it: θ_o + sign·α·τ is the unlearned model.
struct Stage2Vector {
  std::unique_ptr<TaskVector> vector;
  double sign = -1;

  void apply(double alpha) { vector->apply(sign * alpha); }
  /// Writes the unlearned model, or its adapter, into `folder` (exists).
  void write(double alpha, const std::filesystem::path& folder) { vector->write(sign * alpha, folder); }
};

struct Stage2Files {
  /// Folder for the trained model of a method that negates it (keep_harmful); empty: it is not kept. Contrast's was
  /// written by train_method().
  std::filesystem::path trained;
  std::filesystem::path repair;  ///< each step of the repair appends a line here
};

/// negation.factors and negation.rank change τ. negation.repair trains θ_o − repair.alpha·τ on the normal training
/// pairs; the vector is then the difference from θ_o, with sign +1.
/// @param tuning  its model holds the weights after stage 1
Stage2Vector prepare_stage2(Tuning& tuning, const Checkpoint& base, RunData& data, const Stage2Files& files);

}  // namespace lethe
