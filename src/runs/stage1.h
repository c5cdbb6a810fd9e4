// Stage 1 of any method: its rows, its objective, the loop. Contrast trains twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "runs/rounds.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

struct Stage1 {
  std::vector<StepRecord> steps;       ///< of contrast: of its harmful half; none if safe.ratio is 0
  std::vector<StepRecord> safe_steps;  ///< of contrast's safe half
  std::vector<Round> rounds;           ///< those after the first (negation.rounds)
  std::string gentler;                 ///< Objective::gentler()
};

/// All empty in a rank that is not 0 (Tuning::share_with()): rank 0 writes the files.
struct Stage1Files {
  std::filesystem::path metrics;  ///< each step appends a line here
  std::filesystem::path safe;     ///< contrast: each step of the safe half appends a line here
  std::filesystem::path rounds;   ///< RoundFiles::folder
  /// Contrast, and several rounds: folder for the model after the harmful half, or the first round. Empty: it is not
  /// kept.
  std::filesystem::path harmful;
  Snapshots* snapshots = nullptr;  ///< save and restore the state; may be null
};

/// The steps of stage 1: training.steps, or as many as data.plan has rows for.
/// @throws Error (bad input) if data.plan has fewer lines than one step needs
std::int64_t planned_steps(const Recipe& recipe, const RunData& data);
/// The steps of what follows the first training in stage 1: contrast's safe half, or further rounds; 0: nothing does.
std::int64_t planned_second_steps(const Recipe& recipe, const RunData& data);

/// Trains the model by the recipe's method on the training parts, or on the rows of data.plan. The model must hold the
/// original's weights when this is called; methods that need a reference take it first.
///
/// With negation.rounds the model is left at θ_o + D of the last round (rounds.h).
///
/// Contrast learns the harm by the method of safe.harm (not if safe.ratio is 0), starts again from the original, learns
/// safe answers, and leaves the model at θ_o + τ_safe − safe.ratio·τ_harm.
/// @param base  the original's weights
Stage1 train_method(Tuning& tuning, const Checkpoint& base, RunData& data, const Stage1Files& files);

}  // namespace lethe
