// The main job: a model in, a model that has forgotten the harm out.
#pragma once

#include "runs/recipe.h"

namespace lethe {

/// SKU: stage 1 teaches a copy the harm, stage 2 subtracts what was learned, then both are judged. Writes a run folder.
/// @throws Error as its parts do; nothing is written then
void unlearn(const Recipe& recipe);

}  // namespace lethe
