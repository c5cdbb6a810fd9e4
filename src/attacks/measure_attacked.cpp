#include "attacks/measure_attacked.h"

namespace lethe {

void measure_attacked(AttackOutcome& outcome, CausalLM& model, const AttackInputs& inputs, const AttackedModel& victim,
                      const std::string& name, const std::string& setting, const std::string& folder) {
  outcome.answers = inputs.meter.answers(model, name + ", " + setting + ", " + victim.name);
  outcome.utility = inputs.meter.utility(model);
  if (inputs.keep) inputs.keep(model, victim, folder);
}

}  // namespace lethe
