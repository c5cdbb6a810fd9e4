// `lethe sweep`: the trade-off of a finished run at other α without training, or with other settings and training.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tensors/dtype.h"

namespace lethe {

struct SweepRequest {
  std::filesystem::path run;      ///< a folder that `lethe unlearn` wrote
  std::vector<std::string> over;  ///< "KEY=V1,V2,…": each combination is trained (sweep_grid.h); empty: no training
  std::vector<double> alphas;     ///< empty: 0.2, 0.4, … 1.0 and the run's own; of a grid: as the recipe has it
  std::vector<double> ratios;     ///< of a run of contrast: shares of the harm, each at every α; empty: the run's own
  bool allow_any_alpha = false;   ///< also α above 1
  std::vector<double> budgets;    ///< with `over`: also the α chosen by each of these KL budgets, nats a token
  std::string keep;               ///< constraints on the best point (figures.h); empty: none
  bool on_test = false;           ///< measure on test prompts; otherwise on validation prompts, which suit a choice
  bool cache = true;              ///< as the recipe's evaluation.cache
  std::int64_t prompts = 0;       ///< at most this many of each kind; 0: as in the run
  std::string response_template;  ///< as data.template; empty: the run's
  std::filesystem::path out;      ///< where sweep.json, sweep.html and page.html go; empty: the run's folder
  std::filesystem::path apply;    ///< folder for the best point's model or adapter; empty: not written
  bool json = false;              ///< print sweep.json instead of the table
  std::string device = "auto";
  ComputeType dtype = ComputeType::automatic;
  int threads = 0;
};

/// Measures the run's model at each α: θ_o + (α/α_run)·(θ_run − θ_o). With ratios, the harmful half of a contrast's
/// adapter is scaled first, which is exact. With a grid, it trains models from the run's
/// recipe on the same split and seed, and measures those. Each point is stored in `points/` of the output folder and
/// not computed again. Then it writes sweep.json, sweep.html and, of one training, page.html (report/compare_page.h),
/// and prints the table.
/// @throws Error (bad input) if the folder is no run of `unlearn`, holds points of other settings, or has no halves
///   to scale; Error if no point
///   satisfies `keep`
void sweep(const SweepRequest& request);

}  // namespace lethe
