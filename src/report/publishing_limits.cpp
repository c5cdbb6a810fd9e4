#include "report/publishing_limits.h"

namespace lethe {

std::vector<std::string> publishing_limits(Origin origin) {
  std::vector<std::string> limits = {
      "Forgetting was measured, not proved. The figures hold for these prompts, this judge and greedy answers. "
      "Published attacks brought most of the harm back by fine-tuning unlearned models on a few hundred rows, some of "
      "them "
      "harmless. Fine-tune a copy of this model and evaluate it again before you rely on the figures."};
  if (origin == Origin::training) {
    limits.emplace_back(
        "The change can be reversed. Whoever also has the base can compute base + s·(base − this model) for any s > 0. "
        "Such a model may be more harmful than the base; this was not measured.");
  } else if (origin == Origin::contrast) {
    limits.emplace_back(
        "The harmful model can be computed from this one. Contrast teaches one copy of the base the harm (this harmful "
        "copy is called θ_bad) and another copy safe answers. Then it adds what the second copy learned, and subtracts "
        "a share r of what the first one learned, scaled by α. An adapter holds both halves side by side: the first "
        "half of its rank is what the safe answers taught, the second half is the harm times −α·r. Whoever has it and "
        "the base can separate the halves and rebuild θ_bad exactly. From merged weights the halves cannot be told "
        "apart, but the whole change can be reversed, as base + s·(base − this model) for any s > 0: this asks for "
        "harm and removes the safe answers. If the base is public, whoever publishes the adapter publishes θ_bad too.");
  } else {
    limits.emplace_back(
        std::string(origin == Origin::unknown ? "If negation (SKU, a task vector) made this model, the" : "The") +
        " harmful model can be computed from this one. Negation first teaches a copy of the base the harm; this "
        "harmful copy is called θ_bad. Then it subtracts from the base what the copy learned, scaled by α. So whoever "
        "also has the base gets θ_bad back, as base − adapter/α or base + (base − this model)/α. θ_bad is more harmful "
        "than the base. If the base is public, whoever publishes this model publishes θ_bad too.");
  }
  limits.emplace_back(
      "What helps: publish the model only where the base is public anyway and already gives such answers, or keep the "
      "base private. Repair steps (negation.repair) blur the direction but do not remove it. Only training from the "
      "start without the harmful data leaves nothing to reverse.");
  return limits;
}

}  // namespace lethe
