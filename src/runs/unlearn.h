// The main job: a model in, a model that has forgotten the harm out.
#pragma once

#include "recipe/recipe.h"

namespace lethe {

/// SKU: stage 1 teaches a copy the harm, stage 2 subtracts what was learned, then both are judged. Writes a run folder.
/// @throws Error as its parts do; nothing is written then
/// @param resume  goes on with the unfinished run of recipe.out, to the same bits as if it had not been interrupted
void unlearn(const Recipe& recipe, bool resume = false);

}  // namespace lethe
