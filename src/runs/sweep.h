// The trade-off of a finished run: other α, without training again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lethe {

struct SweepRequest {
  std::filesystem::path run;    ///< a folder that `lethe unlearn` wrote
  std::vector<double> alphas;   ///< empty: 0.2, 0.4, … 1.0 and the run's own
  std::string keep;             ///< constraints on the best point (figures.h); empty: none
  bool on_test = false;         ///< ask test prompts; else validation prompts, on which a choice may be made
  std::int64_t prompts = 0;     ///< of each kind at most; 0: as the run
  std::filesystem::path out;    ///< where sweep.json and sweep.html go; empty: the run's folder
  std::filesystem::path apply;  ///< writes the best point's model or adapter there; empty: not
  bool json = false;            ///< print sweep.json instead of the table
  std::string device = "auto", dtype = "auto";
  int threads = 0;
};

/// Measures the run's model at each α: θ_o + (α/α_run)·(θ_run − θ_o). Writes sweep.json and sweep.html, prints the
/// table.
/// @throws Error (bad input) if the folder is no run of `unlearn`, or sweep.json is there already
void sweep(const SweepRequest& request);

}  // namespace lethe
