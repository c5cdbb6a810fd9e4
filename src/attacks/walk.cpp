#include "attacks/walk.h"

#include <c10/core/GradMode.h>

#include <chrono>

#include "attacks/measure_attacked.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/seconds_since.h"
#include "report/table.h"

namespace lethe {
namespace {

class Walk : public Attack {
 public:
  explicit Walk(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const double beta : inputs_.budget.betas) names.push_back("beta " + short_number(beta));
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    const double beta = inputs_.budget.betas.at(part);
    CausalLM model = victim.load();
    const auto start = std::chrono::steady_clock::now();
    {
      CausalLM original = inputs_.view_original();
      walk_towards(model, original, beta);
    }
    AttackOutcome outcome;
    outcome.settings = {{"beta", beta}};
    outcome.seconds = seconds_since(start);
    measure_attacked(outcome, model, inputs_, victim, "task_vector", parts().at(part),
                     "task_vector-" + std::to_string(part + 1));
    return {std::move(outcome)};
  }

 private:
  const AttackInputs& inputs_;
};

}  // namespace

void walk_towards(CausalLM& model, CausalLM& original, double beta) {
  const c10::NoGradGuard no_gradient;
  const std::vector<Parameter> to = original.parameters();
  std::vector<Parameter> from = model.parameters();
  for (std::size_t i = 0; i < from.size(); ++i) {
    stop_if_interrupted();
    if (i >= to.size() || to[i].name != from[i].name || to[i].shape != from[i].shape)
      throw bad_input("cannot walk towards the original")
          .with("weight", from[i].name)
          .wanted("the same in both models");
    at::Tensor& weight = *from[i].tensor;
    const at::Tensor difference = *to[i].tensor - weight;
    // From the nearer end, so that 0 and 1 give the two models to the bit.
    if (beta < 0.5) {
      weight.add_(difference, beta);
    } else {
      weight.copy_(to[i].tensor->add(difference, beta - 1));
    }
  }
}

std::unique_ptr<Attack> make_task_vector(const AttackInputs& inputs) {
  return std::make_unique<Walk>(inputs);
}

}  // namespace lethe
