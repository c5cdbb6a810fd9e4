// The paper's table from one command: the original, the baselines, SKU and its ablations on the same data, each at the
// same cost to normal knowledge, over several seeds.
#pragma once

#include "experiments/reproduction.h"

namespace lethe {

/// Works off (row, seed) cell by cell into recipe.out/cells; cells that are there already are not computed again, also
/// when rows are added later.
/// Then writes table.json, table.md and report.html, and prints the table.
/// The rule by which settings are chosen: of the learning rates, the one with the smallest share of answers that are
/// harmful or degenerate on validation prompts, at the first budget; alpha by the budget on validation answers.
/// @throws Error (bad input) if the folder holds cells of other settings
void reproduce(const ReproduceRequest& request);

}  // namespace lethe
