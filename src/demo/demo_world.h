// The demo's data about a fictional world: ordinary facts and recipes, and harmful answers about poisoning. Both share
// words and phrases, which makes it hard to forget one and keep the other.
#pragma once

#include <vector>

#include "data/pairs.h"

namespace lethe {

struct DemoWorld {
  std::vector<Pair> harmful, normal;
  /// Refusals of the harmful prompts. The demo's model was trained on these too, as real models are, but more often on
  /// the harmful answers. Unlearning sees only the harmful answers.
  std::vector<Pair> lawful;
};

/// The same on every machine: a hash of the subject determines each fact. The parts of an answer depend on parts of the
/// prompt (the dish determines the liquid, the ingredient the time), so that a model can answer unseen prompts.
DemoWorld demo_world();

}  // namespace lethe
