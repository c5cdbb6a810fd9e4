#include "report/publishing_limits.h"

namespace lethe {

std::vector<std::string> publishing_limits(Origin origin) {
  std::vector<std::string> limits = {
      "Forgetting was measured, not proved. The figures hold for these prompts, this judge and greedy answers. "
      "Published "
      "attacks brought most of the harm back by fine-tuning unlearned models on a few hundred rows, some of them "
      "harmless. Fine-tune a copy of this model and evaluate it again before you rely on the figures."};
  if (origin == Origin::training) {
    limits.emplace_back(
        "The change can be reversed. Whoever also has the base θ_o can compute θ_o + s·(θ_o − θ) for any s > 0. Such a "
        "model may be more harmful than the base; this was not measured.");
  } else if (origin == Origin::contrast) {
    limits.emplace_back(
        "The harmful model can be computed from this one. Contrast teaches one copy the harm (θ_bad) and another safe "
        "answers, then adds the second change and subtracts a share of the first. An adapter holds both halves side by "
        "side: the first half of its rank is what the safe answers taught, the second half is the harm times −α·r. "
        "Whoever has it and the base can separate the halves and rebuild θ_bad exactly. From merged weights the halves "
        "cannot be told apart, but the whole change can be reversed, as θ_o + s·(θ_o − θ) for any s > 0: this asks for "
        "harm and removes the safe answers. If the base is public, whoever publishes the adapter publishes θ_bad too.");
  } else {
    limits.emplace_back(
        std::string(origin == Origin::unknown ? "If negation (SKU, a task vector) made this model, the" : "The") +
        " harmful model can be computed from this one. Negation first teaches a copy the harm (θ_bad), then subtracts "
        "what "
        "the copy learned: θ = θ_o − α·(θ_bad − θ_o). Whoever also has the base θ_o gets θ_bad back, as base − "
        "adapter/α "
        "or θ_o + (θ_o − θ)/α. If the base is public, whoever publishes this model publishes θ_bad too.");
  }
  limits.emplace_back(
      "What helps: publish the model only where the base is public anyway and already gives such answers, or keep the "
      "base private. Repair steps (negation.repair) blur the direction but do not remove it. Only training from the "
      "start without the harmful data leaves nothing to reverse.");
  return limits;
}

}  // namespace lethe
