// The paper's table from one command: the original, the baselines, SKU and its ablations on the same data, each at the
// same cost to normal knowledge, over several seeds.
#pragma once

#include "experiments/reproduction.h"

namespace lethe {

/// Computes each cell (row, seed) and stores it in recipe.out/cells. Stored cells are not computed again, also if rows
/// are added later. Then writes table.json, table.md and report.html, and prints the table.
/// How settings are chosen: the learning rate with the smallest share of harmful or degenerate answers on validation
/// prompts, at the first budget; α by the budget on validation answers.
/// @throws Error (bad input) if the folder holds cells of other settings
void reproduce(const ReproduceRequest& request);

}  // namespace lethe
