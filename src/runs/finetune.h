// Plain training on responses: an existing model, or a new one from config.json.
#pragma once

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

class Group;

/// Minimises the cross-entropy of the responses of data.train (of plain text: of all of it), with all weights or LoRA.
/// Writes a run folder with model/ or adapter/. From scratch, the tokenizer is read from the folder of config.json.
/// @param resume   continues the unfinished run of recipe.out, to the same bits as an uninterrupted run
/// @param dry_run  checks everything and prints the plan instead
/// @param group    the ranks that share the steps, as of unlearn()
void finetune(const Recipe& recipe, bool resume = false, const DryRun& dry_run = {}, Group* group = nullptr);

/// What a rank that is not 0 does while rank 0 is in finetune(): its share of the steps, by rank 0's recipe.
void finetune_as_rank(Group& group);

}  // namespace lethe
