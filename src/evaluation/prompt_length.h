// Whether prompts and windows of text fit into the model's positions: asked before work starts, not hours later.
#pragma once

#include "core/run_record.h"
#include "evaluation/evaluation_options.h"
#include "evaluation/evaluation_sets.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Takes prompts that are too long out of the sets that are answered: those that leave less than wanted_room() within
/// the model's positions. Of each set only those are looked at that would be asked. Says how many; with a run they
/// stand in the report among what was left out.
/// @param run  may be null
void leave_out_long(EvaluationSets& sets, const Tokenizer& tokenizer, const EvaluationOptions& options, RunRecord* run);

}  // namespace lethe
