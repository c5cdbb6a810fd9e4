#include "runs/methods.h"

#include "core/error.h"
#include "objectives/cross_entropy_training.h"
#include "objectives/gradient_ascent.h"
#include "objectives/safe_training.h"
#include "objectives/sku.h"

namespace lethe {
namespace {

// The reference of methods that need none.
class NoReference : public Reference {
 public:
  at::Tensor states(std::span<const Pair>) override { throw Error("internal: this method has no reference"); }
  Head head() override { throw Error("internal: this method has no reference"); }
};

Reference& reference_of(const ObjectiveInputs& inputs) {
  static NoReference none;
  return inputs.reference != nullptr ? *inputs.reference : none;
}

std::unique_ptr<Objective> sku_objective(ObjectiveInputs inputs, const SkuOptions& options) {
  return std::make_unique<SkuObjective>(inputs.model, inputs.examples, reference_of(inputs), std::move(inputs.rows),
                                        options);
}

std::unique_ptr<Objective> ascent_objective(ObjectiveInputs inputs, const GradientAscentOptions& options) {
  return std::make_unique<GradientAscentObjective>(inputs.model, inputs.examples, reference_of(inputs),
                                                   std::move(inputs.rows), options);
}

SkuOptions sku_options(const SkuSettings& settings) {
  return {.harmful = {.eps_gd = settings.eps_gd, .eps_rd = settings.eps_rd, .reduction = settings.reduction},
          .eps_pd = settings.eps_pd,
          .pd_margin = settings.pd_margin};
}

std::unique_ptr<Objective> sku(const Recipe& recipe, ObjectiveInputs inputs) {
  return sku_objective(std::move(inputs), sku_options(recipe.sku));
}

// SKU's guided distortion alone.
std::unique_ptr<Objective> task_vector(const Recipe& recipe, ObjectiveInputs inputs) {
  SkuOptions options = sku_options(recipe.sku);
  options.harmful.eps_rd = 0;
  options.eps_pd = 0;
  return sku_objective(std::move(inputs), options);
}

// Contrast's safe half. Its rows hold safe answers in place of the harmful ones.
std::unique_ptr<Objective> safe_objective(const Recipe& recipe, ObjectiveInputs inputs) {
  return std::make_unique<SafeObjective>(inputs.model, inputs.examples, reference_of(inputs), std::move(inputs.rows),
                                         recipe.safe.eps_kl);
}

std::unique_ptr<Objective> ga(const Recipe& recipe, ObjectiveInputs inputs) {
  return ascent_objective(std::move(inputs), {.eps_kl = recipe.ga.eps_kl, .eps_mismatch = 0});
}

std::unique_ptr<Objective> ga_mismatch(const Recipe& recipe, ObjectiveInputs inputs) {
  return ascent_objective(std::move(inputs), {.eps_kl = recipe.ga.eps_kl, .eps_mismatch = recipe.ga.eps_mismatch});
}

std::unique_ptr<Objective> finetune_on_normal(const Recipe&, ObjectiveInputs inputs) {
  return std::make_unique<CrossEntropyObjective>(
      inputs.model, inputs.examples,
      [rows = std::move(inputs.rows)](std::uint64_t micro) { return rows(micro).normal; });
}

struct ObjectiveRow {
  MethodId method;
  std::unique_ptr<Objective> (*make)(const Recipe&, ObjectiveInputs);
};

constexpr ObjectiveRow kObjectives[] = {
    {MethodId::sku, sku}, {MethodId::task_vector, task_vector}, {MethodId::contrast, safe_objective},
    {MethodId::ga, ga},   {MethodId::ga_mismatch, ga_mismatch}, {MethodId::finetune, finetune_on_normal},
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Recipe& recipe, ObjectiveInputs inputs) {
  const MethodId method = method_named(recipe.method).id;
  for (const ObjectiveRow& row : kObjectives) {
    if (row.method == method) return row.make(recipe, std::move(inputs));
  }
  throw Error("internal: the method " + recipe.method + " has no objective");
}

bool learns_harm(const Recipe& recipe) {
  const Stage2 stage2 = method_named(recipe.method).stage2;
  return stage2 == Stage2::negate || (stage2 == Stage2::contrast && recipe.safe.ratio != 0);
}

std::int64_t rounds_of(const Recipe& recipe) {
  return method_named(recipe.method).stage2 == Stage2::negate ? recipe.negation.rounds : 1;
}

Origin origin_of(const Recipe& recipe) {
  if (!learns_harm(recipe)) return Origin::training;
  return method_named(recipe.method).stage2 == Stage2::contrast ? Origin::contrast : Origin::negation;
}

Recipe harmful_half(Recipe recipe) {
  recipe.method = word_of(recipe.safe.harm);
  return recipe;
}

Recipe safe_half(Recipe recipe) {
  recipe.training.steps = recipe.safe.steps.value_or(recipe.training.steps);
  recipe.training.lr = recipe.safe.lr.value_or(recipe.training.lr);
  return recipe;
}

SamplerOptions sampler_options(const Recipe& recipe) {
  const Draws draws = method_named(recipe.method).draws;
  // Random disassociation without weight draws nothing.
  const bool needed = draws == Draws::normal || (draws == Draws::harmful && recipe.sku.eps_rd != 0);
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.k = needed ? static_cast<std::size_t>(recipe.sku.k) : 0;
  options.seed = recipe.seed;
  options.draw = draws == Draws::normal ? SamplerOptions::Draw::normal : SamplerOptions::Draw::harmful;
  return options;
}

}  // namespace lethe
