// The paper's table from one command: the original, the baselines, SKU and its ablations on the same data, each at the
// same cost to normal knowledge, over several seeds.
#pragma once

#include <filesystem>
#include <vector>

#include "runs/recipe.h"

namespace lethe {

struct ReproduceRequest {
  Recipe recipe;                     ///< data, model, steps, batch; method and lr are set row by row
  std::vector<std::uint64_t> seeds;  ///< each splits the data and trains anew
  std::vector<double> rates;         ///< learning rates tried for every method, on validation prompts of the first seed
  std::vector<double> budgets;       ///< KL on normal validation answers, nats a token; the first is the table's
  std::filesystem::path demo_inputs;  ///< not empty: the demo's model and data are written there first
  std::vector<double> alphas;         ///< further points of each method's curve; 1 is always measured
};

/// Rows of the table: what is trained, by name ("sku_no_pd" is SKU with eps_pd 0).
const std::vector<std::string>& reproduced_methods();

/// Works off (method, seed) cell by cell into recipe.out/cells; cells that are there already are not computed again.
/// Then writes table.json, table.md and report.html, and prints the table.
/// The rule by which settings are chosen: of the learning rates, the one with the smallest share of answers that are
/// harmful or degenerate on validation prompts, at the first budget; alpha by the budget on validation answers.
/// @throws Error (bad input) if the folder holds cells of other settings
void reproduce(const ReproduceRequest& request);

}  // namespace lethe
