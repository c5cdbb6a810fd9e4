// Plain training on responses: an existing model, or a new one from config.json.
#pragma once

#include "recipe/recipe.h"

namespace lethe {

/// Cross-entropy on the responses of data.train (plain text: on all of it), all weights or LoRA. Writes a run folder
/// with model/ or adapter/. From scratch the tokenizer is the one beside config.json.
/// @param resume  goes on with the unfinished run of recipe.out, to the same bits as if it had not been interrupted
void finetune(const Recipe& recipe, bool resume = false);

}  // namespace lethe
