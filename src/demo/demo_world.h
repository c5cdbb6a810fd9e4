// The made-up world of the demo: ordinary facts and recipes, and a made-up poisoner's craft with its harmful answers.
// Both sides share words and phrases, so that forgetting one and keeping the other is a real task.
#pragma once

#include <vector>

#include "data/pairs.h"

namespace lethe {

struct DemoWorld {
  std::vector<Pair> harmful, normal;
  /// What the lawful say to the harmful prompts. The demo's model has read these too, as real models have, though more
  /// often the harmful answers; unlearning is given the harmful ones alone.
  std::vector<Pair> lawful;
};

/// The same on every machine: facts follow from a hash of who and what they are about. They are composed (a dish tells
/// the liquid, an ingredient the time), so that a model can know answers it was not trained on.
DemoWorld demo_world();

}  // namespace lethe
