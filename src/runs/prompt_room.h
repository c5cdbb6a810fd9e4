// Whether prompts and windows of text fit into the model's positions: asked before work starts, not hours later.
#pragma once

#include "runs/evaluation.h"

namespace lethe {

class RunFolder;

/// Tokens of an answer that a prompt must leave room for: max_new_tokens, but no more than half of the positions.
/// @param positions  the model's; 0: no bound
std::int64_t wanted_room(std::int64_t max_new_tokens, std::int64_t positions);

/// Takes prompts that are too long out of the sets that are answered: those that leave less than wanted_room() within
/// the model's positions. Of each set only those are looked at that would be asked. Says how many; with a run they
/// stand in the report among what was left out.
/// @param run  may be null
void leave_out_long(EvaluationSets& sets, const Tokenizer& tokenizer, const EvaluationOptions& options, RunFolder* run);

/// @throws Error (usage) by key if evaluation.window or evaluation.stride does not fit into the positions
void check_windows(const EvaluationSettings& settings, std::int64_t positions);

}  // namespace lethe
