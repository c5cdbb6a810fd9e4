// Writes the results of `lethe tune`: JSON, Markdown, HTML, and on the terminal.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "experiments/halving.h"
#include "experiments/trial_space.h"

namespace lethe {

struct TuneResult {
  Recipe recipe;  ///< the first trial's
  TrialSpace space;
  std::string keep;  ///< as given
  Choice choice;
  SearchResult search;
  /// On test prompts, both with the first seed: the first trial, and the best if it is another one.
  std::optional<Cell> test_recipe, test_best;
  std::size_t test_cells = 0;  ///< in the folder: of this choice and of earlier ones
};

/// Writes tune.json, tune.md and report.html into the folder, and prints the tables.
void write_tuning(const TuneResult& result, const std::filesystem::path& out);

}  // namespace lethe
