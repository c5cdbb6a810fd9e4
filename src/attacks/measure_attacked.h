// What every attack ends with that changes the weights once.
#pragma once

#include <string>

#include "attacks/attack.h"

namespace lethe {

/// Fills in the answers and the utility of an attacked model, and writes it if attacked models are kept.
/// @param name     of the attack
/// @param setting  that was tried, for the progress bar: "nf4"
/// @param folder   name of the folder for the model: "quantize-nf4"
void measure_attacked(AttackOutcome& outcome, CausalLM& model, const AttackInputs& inputs, const AttackedModel& victim,
                      const std::string& name, const std::string& setting, const std::string& folder);

}  // namespace lethe
