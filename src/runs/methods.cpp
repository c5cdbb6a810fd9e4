#include "runs/methods.h"

#include "core/error.h"
#include "objectives/cross_entropy_training.h"
#include "objectives/gradient_ascent.h"
#include "objectives/sku.h"

namespace lethe {
namespace {

SkuOptions sku_options(const Recipe& recipe) {
  SkuOptions options;
  options.harmful.eps_gd = recipe.sku.eps_gd;
  options.harmful.eps_rd = recipe.sku.eps_rd;
  options.harmful.reduction = recipe.sku.reduction == "sum" ? Reduction::sum : Reduction::mean;
  options.eps_pd = recipe.sku.eps_pd;
  options.pd_margin = recipe.sku.pd_margin;
  return options;
}

// What the original answers on no normal pair at all: for methods that never ask.
class NoReference : public Reference {
 public:
  at::Tensor states(std::span<const Pair>) override { throw Error("internal: this method has no reference"); }
  Head head() override { throw Error("internal: this method has no reference"); }
};

}  // namespace

SamplerOptions sampler_options(const Recipe& recipe) {
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.seed = recipe.seed;
  options.k = 0;
  if (recipe.method == "sku" && recipe.sku.eps_rd != 0) options.k = static_cast<std::size_t>(recipe.sku.k);
  if (recipe.method == "ga_mismatch") {
    options.k = static_cast<std::size_t>(recipe.sku.k);
    options.draw = SamplerOptions::Draw::normal;
  }
  return options;
}

std::unique_ptr<Objective> make_objective(const Recipe& recipe, CausalLM& model, ExampleMaker& examples,
                                          Reference* reference, std::function<StepRows(std::uint64_t)> rows) {
  static NoReference none;
  Reference& original = reference != nullptr ? *reference : none;
  if (recipe.method == "finetune") {
    return std::make_unique<CrossEntropyObjective>(
        model, examples, [rows = std::move(rows)](std::uint64_t micro) { return rows(micro).normal; });
  }
  if (recipe.method == "ga" || recipe.method == "ga_mismatch") {
    const double mismatch = recipe.method == "ga" ? 0 : recipe.ga.eps_mismatch;
    return std::make_unique<GradientAscentObjective>(
        model, examples, original, std::move(rows),
        GradientAscentOptions{.eps_kl = recipe.ga.eps_kl, .eps_mismatch = mismatch});
  }
  SkuOptions options = sku_options(recipe);
  if (recipe.method == "task_vector") {
    options.harmful.eps_rd = 0;
    options.eps_pd = 0;
  }
  return std::make_unique<SkuObjective>(model, examples, original, std::move(rows), options);
}

}  // namespace lethe
