// The trade-off of a finished run: other α without training again, or other settings trained anew.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tensors/dtype.h"

namespace lethe {

struct SweepRequest {
  std::filesystem::path run;      ///< a folder that `lethe unlearn` wrote
  std::vector<std::string> over;  ///< "KEY=V1,V2,…": every combination is trained anew (sweep_grid.h); empty: none is
  std::vector<double> alphas;     ///< empty: 0.2, 0.4, … 1.0 and the run's own; of a grid: as the recipe has it
  std::vector<double> budgets;    ///< of a grid: α by these KL budgets, nats a token, as well
  std::string keep;               ///< constraints on the best point (figures.h); empty: none
  bool on_test = false;           ///< ask test prompts; else validation prompts, on which a choice may be made
  std::int64_t prompts = 0;       ///< of each kind at most; 0: as the run
  std::filesystem::path out;      ///< where sweep.json and sweep.html go; empty: the run's folder
  std::filesystem::path apply;    ///< writes the best point's model or adapter there; empty: not
  bool json = false;              ///< print sweep.json instead of the table
  std::string device = "auto";
  ComputeType dtype = ComputeType::automatic;
  int threads = 0;
};

/// Measures the run's model at each α: θ_o + (α/α_run)·(θ_run − θ_o); or, with a grid, models trained from its recipe
/// on the same split and seed. Each point is kept in `points/` of the output folder and not computed again; then
/// sweep.json and sweep.html are written and the table printed.
/// @throws Error (bad input) if the folder is no run of `unlearn`, or holds points of other settings; Error if no point
///   keeps what must be kept
void sweep(const SweepRequest& request);

}  // namespace lethe
