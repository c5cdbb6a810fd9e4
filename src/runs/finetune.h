// Plain training on responses: an existing model, or a new one from config.json.
#pragma once

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

/// Minimises the cross-entropy of the responses of data.train (of plain text: of all of it), with all weights or LoRA.
/// Writes a run folder with model/ or adapter/. From scratch, the tokenizer is read from the folder of config.json.
/// @param resume   continues the unfinished run of recipe.out, to the same bits as an uninterrupted run
/// @param dry_run  checks everything and prints the plan instead
void finetune(const Recipe& recipe, bool resume = false, const DryRun& dry_run = {});

}  // namespace lethe
