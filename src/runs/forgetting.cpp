#include "runs/forgetting.h"

#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/interrupt.h"
#include "objectives/ce_u.h"
#include "objectives/circuit_breakers.h"
#include "objectives/flat.h"
#include "objectives/gradient_difference.h"
#include "objectives/gru.h"
#include "objectives/ihl.h"
#include "objectives/inner_states.h"
#include "objectives/jensun.h"
#include "objectives/pdu.h"
#include "objectives/preference.h"
#include "objectives/rmu.h"
#include "objectives/safe_unlearning.h"
#include "objectives/undial.h"
#include "objectives/weighted_ascent.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"
#include "runs/inner_layers.h"

namespace lethe {
namespace {

using Maker = std::unique_ptr<Objective> (*)(ForgetRetainInputs, const ObjectiveSettings&, const Recipe&);

template <ForgetLoss formula>
std::unique_ptr<Objective> by_formula(ForgetRetainInputs inputs, const ObjectiveSettings& settings, const Recipe&) {
  return std::make_unique<FormulaObjective>(std::move(inputs), settings, formula);
}

template <class Made>
std::unique_ptr<Objective> by_class(ForgetRetainInputs inputs, const ObjectiveSettings& settings, const Recipe&) {
  return std::make_unique<Made>(std::move(inputs), settings);
}

// The published warm-up of λ is half of the training.
std::unique_ptr<Objective> pdu(ForgetRetainInputs inputs, const ObjectiveSettings& published, const Recipe& recipe) {
  ObjectiveSettings settings = published;
  settings.dual_warmup = recipe.objective.dual_warmup.value_or(recipe.training.steps / 2);
  return std::make_unique<PduObjective>(std::move(inputs), settings);
}

std::unique_ptr<Objective> rmu(ForgetRetainInputs inputs, const ObjectiveSettings& settings, const Recipe& recipe) {
  return std::make_unique<RmuObjective>(std::move(inputs), settings, recipe.seed);
}

std::unique_ptr<Objective> circuit_breakers(ForgetRetainInputs inputs, const ObjectiveSettings& settings,
                                            const Recipe& recipe) {
  return std::make_unique<CircuitBreakersObjective>(std::move(inputs), settings,
                                                    recipe.training.steps * recipe.training.accumulate);
}

struct ForgetRetainRow {
  MethodId method;
  Maker make;
};

constexpr ForgetRetainRow kForgetRetain[] = {
    {MethodId::grad_diff, by_formula<gradient_difference>},
    {MethodId::kl_min, by_formula<gradient_difference>},
    {MethodId::npo, by_formula<npo_loss>},
    {MethodId::simnpo, by_formula<simnpo_loss>},
    {MethodId::dpo, by_formula<dpo_loss>},
    {MethodId::idk_dpo, by_formula<dpo_loss>},
    {MethodId::wga, by_formula<wga_loss>},
    {MethodId::satimp, by_formula<satimp_loss>},
    {MethodId::safe_unlearning, by_formula<safe_unlearning_loss>},
    {MethodId::undial, by_formula<undial_loss>},
    {MethodId::ce_u, by_formula<ce_u_loss>},
    {MethodId::pdu, pdu},
    {MethodId::jensun, by_class<JensUnObjective>},
    {MethodId::ihl, by_formula<ihl_loss>},
    {MethodId::flat, by_formula<flat_loss>},
    {MethodId::rmu, rmu},
    {MethodId::circuit_breakers, circuit_breakers},
};

std::vector<at::Tensor> trained_tensors(CausalLM& model) {
  std::vector<at::Tensor> trained;
  for (const Parameter& parameter : model.parameters()) trained.push_back(*parameter.tensor);
  for (const NamedLinear& linear : model.linears()) {
    for (const LoraPair& pair : linear.linear->adapters) trained.insert(trained.end(), {pair.a, pair.b});
  }
  std::erase_if(trained, [](const at::Tensor& tensor) { return !tensor.defined() || !tensor.requires_grad(); });
  return trained;
}

/// The pairs of all rows that will be drawn, each once. The harmful ones include each preferred response as a pair.
struct DrawnPairs {
  std::vector<Pair> harmful, normal;
};

DrawnPairs drawn_pairs(const std::function<StepRows(std::uint64_t)>& rows, std::uint64_t micros) {
  DrawnPairs drawn;
  using Seen = std::set<std::tuple<std::string, std::string, std::vector<ChatMessage>>>;
  Seen harmful, normal;
  const auto add = [](std::vector<Pair>& pairs, Seen& seen, const Pair& pair) {
    if (seen.insert({pair.prompt, pair.response, pair.before}).second) pairs.push_back(pair);
  };
  for (std::uint64_t micro = 0; micro < micros; ++micro) {
    stop_if_interrupted();
    const StepRows step = rows(micro);
    for (std::size_t i = 0; i < step.harmful.size(); ++i) {
      add(drawn.harmful, harmful, step.harmful[i]);
      if (i >= step.random.size()) continue;
      Pair other = step.harmful[i];
      for (const std::string& response : step.random[i]) {
        other.response = response;
        add(drawn.harmful, harmful, other);
      }
    }
    for (const Pair& pair : step.normal) add(drawn.normal, normal, pair);
  }
  return drawn;
}

}  // namespace

std::unique_ptr<Objective> make_forget_retain(const Recipe& recipe, ForgetRetainInputs inputs) {
  const MethodId method = method_named(recipe.method).id;
  for (const ForgetRetainRow& row : kForgetRetain) {
    if (row.method != method) continue;
    ObjectiveSettings settings = objective_settings(recipe);
    settings.layers = inner_layers(recipe, inputs.model.spec());
    if (!settings.gru) return row.make(std::move(inputs), settings, recipe);
    std::vector<at::Tensor> trained = trained_tensors(inputs.model);
    return std::make_unique<GruObjective>(row.make(std::move(inputs), settings, recipe), std::move(trained),
                                          recipe.training.accumulate);
  }
  throw Error("internal: the method " + recipe.method + " has no objective");
}

bool needs_normal_reference(const Recipe& recipe) {
  const Method& method = method_named(recipe.method);
  if (!method.forget_retain) return method.reference;
  const ObjectiveSettings settings = objective_settings(recipe);
  if (!has_retain_loss(settings)) return false;
  return settings.retain_loss != RetainLoss::ce;  // KL, and a method's own, compare with it
}

namespace {

// For methods that change inner states.
std::unique_ptr<Reference> inner_reference(const std::vector<std::int64_t>& layers, Tuning& tuning,
                                           ExampleMaker& examples, const DrawnPairs& drawn) {
  const ResponseFunction states = [layers](const CausalLM& model, const PackedExamples& packed) {
    return inner_states(model, packed, layers);
  };
  if (tuning.lora())
    return std::make_unique<InnerReference>(std::make_unique<AdapterOffOriginal>(tuning.model(), examples, states));
  auto stored = std::make_unique<StoredOriginal>(examples, states);
  stored->add(tuning.model(), drawn.normal, "normal");
  stored->add(tuning.model(), drawn.harmful, "harmful");
  return std::make_unique<InnerReference>(std::move(stored));
}

}  // namespace

Originals take_originals(const Recipe& recipe, Tuning& tuning, ExampleMaker& examples,
                         const std::function<StepRows(std::uint64_t)>& rows, std::uint64_t micros) {
  const HarmfulReference harmful = method_named(recipe.method).harmful_reference;
  const bool normal = needs_normal_reference(recipe), states = harmful == HarmfulReference::states;
  const bool losses = harmful == HarmfulReference::losses;
  Originals originals;
  if (const auto layers = inner_layers(recipe, tuning.model().spec()); !layers.empty()) {
    DrawnPairs drawn = tuning.lora() ? DrawnPairs{} : drawn_pairs(rows, micros);
    if (!normal) drawn.normal.clear();
    if (!states) drawn.harmful.clear();
    originals.reference = inner_reference(layers, tuning, examples, drawn);
    return originals;
  }
  if (tuning.lora()) {
    if (normal || states) originals.reference = std::make_unique<AdapterOffReference>(tuning.model(), examples);
    if (losses) originals.losses = std::make_unique<AdapterOffOriginal>(tuning.model(), examples, response_losses);
    return originals;
  }
  if (!normal && !states && !losses) return originals;
  const DrawnPairs drawn = drawn_pairs(rows, micros);
  if (normal || states) {
    auto reference =
        std::make_unique<StoredReference>(tuning.model(), examples, normal ? drawn.normal : std::vector<Pair>{});
    if (states) reference->add(tuning.model(), drawn.harmful, "harmful");
    originals.reference = std::move(reference);
  }
  if (losses) {
    auto stored = std::make_unique<StoredOriginal>(examples, response_losses);
    stored->add(tuning.model(), drawn.harmful, "harmful");
    originals.losses = std::move(stored);
  }
  return originals;
}

}  // namespace lethe
